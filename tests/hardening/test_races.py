"""The same thing many times at once, through the API: one effect, clear refusals, no defect."""

from collections import Counter
from typing import Any

import pytest

from customers.models import Customer, Subject
from subscriptions.models import Subscription
from tests.hardening.door import Door, door_of
from tests.racing import together
from tests.world import World

MANY = 8


@pytest.fixture
def door(world: World) -> Door:
    world.starts_on("2026-01-31")
    world.zone(world.customer("ada"), "shop")
    return door_of(world)


def at_once(door: Door, *requests: tuple[str, str, Any], **headers: str) -> Counter[Any]:
    """Send requests at once; count the answers by status and code, or by being a replay."""

    def send(method: str, path: str, body: Any) -> tuple[int, str]:
        answer = Door(door.token).knock(method, path, body, **headers)
        said = answer.json().get("code", "")
        return answer.status_code, said or answer.headers.get("Idempotent-Replayed", "")

    return Counter(together(*(lambda each=each: send(*each) for each in requests)))


def test_one_key_makes_one_customer(door: Door) -> None:
    body = {"key": "eve", "currency": "USD"}

    answers = at_once(door, *[("POST", "/v1/customers", body)] * MANY)

    assert answers == {(201, ""): 1, (409, "key_taken"): MANY - 1}


def test_one_idempotency_key_has_one_effect(door: Door) -> None:
    before = Customer.objects.count()
    request = ("POST", "/v1/customers", {"currency": "USD"})
    header = {"Idempotency-Key": "once"}

    answers = at_once(door, *[request] * MANY, **header)
    later = door.knock(*request, **header)

    assert answers[201, ""] == 1
    assert set(answers) <= {(201, ""), (201, "true"), (409, "idempotency_key_in_use")}
    assert Customer.objects.count() == before + 1
    assert (later.status_code, later.headers["Idempotent-Replayed"]) == (201, "true")
    other = door.refuses("POST", "/v1/customers", {"currency": "EUR"}, **header)
    assert other == (422, "idempotency_key_reused")


def test_subscribing_at_once_subscribes_once(door: Door) -> None:
    body = {"customer": "ada", "subject": "shop", "plan": "pro"}

    answers = at_once(door, *[("POST", "/v1/subscriptions", body)] * MANY)

    assert answers == {(200, ""): 1, (409, "already_subscribed"): MANY - 1}
    assert Subscription.objects.current().filter(subject__key="shop").count() == 1


def test_an_upgrade_and_a_cancellation_both_count(door: Door) -> None:
    put = "/v1/customers/ada/subjects/shop/products/zone"
    assert door.knock("PUT", put, {"plan": "pro"}).status_code == 200
    (row,) = door.gets("/v1/subscriptions?subject=shop")["data"]
    path = f"/v1/subscriptions/{row['id']}"

    at_once(
        door,
        *[("POST", f"{path}/change", {"plan": "business"})] * 3,
        *[("POST", f"{path}/cancel", {})] * 3,
    )

    now = door.gets(path)
    assert (now["plan"], now["state"]) == ("business", "active")
    assert [each["kind"] for each in now["pending"]] in ([], ["end"])


def test_a_subject_that_ends_while_it_is_changed_has_nothing_afterwards(door: Door) -> None:
    shop = "/v1/customers/ada/subjects/shop"

    answers = at_once(
        door,
        *[("DELETE", shop, None)] * 2,
        *[("PUT", f"{shop}/products/zone", {"plan": plan}) for plan in ("pro", "business")] * 3,
    )

    refused = {code for (status, code) in answers if status == 409}
    assert refused <= {"subject_ended", "subscription_ended"}
    assert sum(count for (status, _), count in answers.items() if status == 409) >= 1
    assert Subject.objects.get(key="shop").ended_at is not None
    assert not Subscription.objects.current().filter(subject__key="shop").exists()


def test_a_clock_moves_once_and_nothing_is_commanded_meanwhile(world: World, door: Door) -> None:
    advance = f"/v1/test-clocks/{world.clock_id}/advance"

    answers = at_once(
        door,
        *[("POST", advance, {"to": "2026-05-01T00:00:00Z"})] * 3,
        ("POST", advance, {"to": "2026-06-01T00:00:00Z"}),
        *[("PUT", "/v1/customers/ada/subjects/shop/products/zone", {"plan": "pro"})] * 2,
    )

    assert answers[202, ""] == 1
    assert set(answers) <= {(202, ""), (200, ""), (409, "clock_advancing")}
    world.settle()
    stands = door.gets(f"/v1/test-clocks/{world.clock_id}")
    assert stands["status"] == "ready"
    assert stands["frozen_at"] in ("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z")


def test_a_customer_that_is_closed_while_it_grows_keeps_nothing(door: Door) -> None:
    answers = at_once(
        door,
        *[("DELETE", "/v1/customers/ada", None)] * 2,
        *[("POST", "/v1/customers/ada/subjects", {"kind": "zone"})] * 4,
    )

    assert answers[200, ""] == 1
    assert set(answers) <= {(200, ""), (201, ""), (409, "customer_closed")}
    assert not Subject.objects.current().filter(customer__key="ada").exists()
    assert not Subscription.objects.current().filter(customer__key="ada").exists()
