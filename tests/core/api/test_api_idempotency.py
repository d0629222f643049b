"""Idempotency-Key: one effect, one answer, whatever is repeated, however fast."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections

from core import clock
from core.api import mutations, operations
from core.api.idempotency import Attempt, clean_up
from core.models import IdempotencyKey
from core.transactions import Again, unit_of_work
from customers.models import Customer, CustomerProfile, TestClock

pytestmark = [pytest.mark.urls("api_front_door"), pytest.mark.django_db]

CLOCK = {"name": "noon", "frozen_at": "2026-01-31T12:00:00Z"}


def outcome(answer):
    return answer.status_code, answer.json()["code"]


def test_the_same_request_again_has_no_second_effect(api):
    first = api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    again = api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert TestClock.objects.count() == 1


def test_without_a_key_every_request_has_its_effect(api):
    api.post("/v1/clocks", CLOCK)
    api.post("/v1/clocks", CLOCK)
    assert (TestClock.objects.count(), IdempotencyKey.objects.count()) == (2, 0)


def test_a_key_belongs_to_its_caller_and_its_route(api, as_caller):
    api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    other = as_caller("other").post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    assert (other.status_code, "Idempotent-Replayed" in other) == (201, False)
    assert api.post("/v1/customers", {"name": "A"}, Idempotency_Key="k1").status_code == 201
    assert TestClock.objects.count() == 2


@pytest.mark.parametrize(
    "other", [{**CLOCK, "name": "night"}, {**CLOCK, "reason": "another"}, {**CLOCK, "count": 1}]
)
def test_a_key_used_for_another_body_is_refused(api, other):
    api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    answer = api.post("/v1/clocks", other, Idempotency_Key="k1")
    assert outcome(answer) == (422, "idempotency_key_reused")
    assert TestClock.objects.count() == 1


def test_a_key_used_for_another_object_is_refused(api):
    ticks = [
        f"/v1/clocks/{api.post('/v1/clocks', CLOCK).json()['resource']['id']}/tick" for _ in "ab"
    ]
    assert api.post(ticks[0], Idempotency_Key="k1").status_code == 200
    assert outcome(api.post(ticks[1], Idempotency_Key="k1")) == (422, "idempotency_key_reused")


def test_the_order_of_members_is_not_another_body(api):
    api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    turned = dict(reversed(CLOCK.items()))
    assert api.post("/v1/clocks", turned, Idempotency_Key="k1")["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("name", ["stopped", "late failure"])
def test_a_failure_is_not_kept(api, name):
    body = {**CLOCK, "name": name}
    for _ in range(2):
        assert outcome(api.post("/v1/clocks", body, Idempotency_Key="k1")) == (409, "clock_stopped")
    assert (TestClock.objects.count(), IdempotencyKey.objects.count()) == (0, 0)
    assert api.post("/v1/clocks", CLOCK, Idempotency_Key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "a b", "a\x7fb", "\u00e4", "x" * 256])
def test_a_key_has_1_to_255_visible_ascii_characters(api, key):
    answer = api.post("/v1/clocks", CLOCK, Idempotency_Key=key)
    assert outcome(answer) == (400, "malformed_idempotency_key")


@pytest.mark.parametrize("key", ["!", "~" * 255, 'a"b', "0b9c-4"])
def test_any_visible_ascii_is_a_key(api, key):
    assert api.post("/v1/clocks", CLOCK, Idempotency_Key=key).status_code == 201


def test_an_answer_with_a_secret_is_never_kept(api):
    answer = api.post("/v1/secrets", Idempotency_Key="k1")
    assert outcome(answer) == (400, "idempotency_key_not_allowed")
    assert api.post("/v1/secrets").json()["changes"] == [
        {"field": "secret", "before": None, "after": "s3cret"}
    ]
    assert IdempotencyKey.objects.count() == 0


def test_other_methods_need_no_key_and_keep_none(api):
    path = f"/v1/clocks/{api.post('/v1/clocks', CLOCK).json()['resource']['id']}"
    for _ in range(2):
        answer = api.patch(path, CLOCK, Idempotency_Key="k1")
        assert (answer.status_code, "Idempotent-Replayed" in answer) == (200, False)
    assert IdempotencyKey.objects.count() == 0


def test_personal_data_is_not_kept_but_read_anew(api, acting):
    first = api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k1")
    kept = IdempotencyKey.objects.get()
    customer = Customer.objects.get()
    assert kept.customer_id == customer.id
    assert kept.body["resource"] == {"id": customer.id, "key": None}
    unit_of_work(lambda: CustomerProfile.objects.update(name="Grace"))
    again = api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k1")
    assert first.json()["resource"]["profile"] == {"name": "Ada"}
    assert again.json()["resource"]["profile"] == {"name": "Grace"}
    assert again["Idempotent-Replayed"] == "true"


def test_personal_members_need_a_way_to_read_them():
    decorate = operations.changes(None, None, tag="t", summary="s", personal=("profile",))

    def post() -> None: ...

    with pytest.raises(ValueError, match="replay"):
        decorate(post)


def test_without_the_parts_of_higher_apps_nothing_is_changed_for_a_customer(api, monkeypatch):
    monkeypatch.setattr(mutations, "_revision", mutations._not_installed)
    assert api.post("/v1/customers", {"key": "ada", "name": "Ada"}).status_code == 500
    assert Customer.objects.count() == 0


def test_the_answer_carries_revision_and_provisioning(api, monkeypatch):
    monkeypatch.setattr(mutations, "_revision", lambda ids: f"rv1_{len(ids)}")
    status = {"targets": 2, "status": "pending"}
    monkeypatch.setattr(mutations, "_provisioning", lambda ids: status)
    for _ in range(2):
        answer = api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k1")
        assert answer["Entitlement-Revision"] == "rv1_1"
        assert answer.json()["revision"] == "rv1_1"
        assert answer.json()["provisioning"] == status
    clockwork = api.post("/v1/clocks", CLOCK)
    assert "Entitlement-Revision" not in clockwork
    assert clockwork.json()["revision"] is clockwork.json()["provisioning"] is None


def test_answers_are_forgotten_after_30_days(api):
    for key in "abc":
        api.post("/v1/clocks", CLOCK, Idempotency_Key=key)
    now = clock.system_now()
    IdempotencyKey.objects.filter(key="a").update(created_at=now - timedelta(days=30, seconds=1))
    IdempotencyKey.objects.filter(key="b").update(created_at=now - timedelta(days=30))
    assert clean_up(now) == 1
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"b", "c"}
    assert clean_up(now + timedelta(days=31), limit=1) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_have_one_effect(as_caller):
    start = Barrier(8)

    def send(_: int):
        caller = as_caller()
        start.wait()
        try:
            return caller.post("/v1/clocks", {**CLOCK, "name": "slow"}, Idempotency_Key="k1")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    done = [each for each in answers if each.status_code == 201]
    busy = [each for each in answers if each.status_code == 409]
    assert len(done) + len(busy) == 8
    assert {each.json()["code"] for each in busy} == {"idempotency_key_in_use"}
    assert len({each.json()["resource"]["id"] for each in done}) == 1
    assert sum("Idempotent-Replayed" not in each for each in done) == 1
    assert TestClock.objects.count() == IdempotencyKey.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_at_work_is_busy_and_free_again_afterwards(api):
    attempt = Attempt("client:all", "POST v1/clocks", "k1", {})
    with connections["default"].copy().cursor() as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(%s)", [attempt.lock])
        answer = api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
        assert outcome(answer) == (409, "idempotency_key_in_use")
        assert api.post("/v1/clocks", CLOCK, Idempotency_Key="k2").status_code == 201
        elsewhere.execute("SELECT pg_advisory_unlock(%s)", [attempt.lock])
        elsewhere.connection.close()
    assert api.post("/v1/clocks", CLOCK, Idempotency_Key="k1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_unit_of_work_that_is_prepared_first_still_has_one_effect(api, monkeypatch):
    import api_front_door

    made, prepared = api_front_door.make_clock, []

    def unprepared(**values):
        row = made(**values)
        if not prepared:
            raise Again(lambda: prepared.append(connection.in_atomic_block))
        return row

    monkeypatch.setattr(api_front_door, "make_clock", unprepared)
    first = api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    again = api.post("/v1/clocks", CLOCK, Idempotency_Key="k1")
    assert prepared == [False]
    assert first.json() == again.json()
    assert TestClock.objects.count() == IdempotencyKey.objects.count() == 1
