"""Commands on customers and subjects."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from core import events
from core.events import Listener
from core.ids import new_id
from core.models import Event
from core.periods import Anchor, UnknownZone
from core.transactions import unit_of_work
from customers.models import Customer, CustomerProfile, Subject
from customers.queries import held, now_of
from customers.services import (
    KeyTaken,
    NewSubject,
    SubjectEnded,
    SubjectNotFound,
    close_customer,
    create_customer,
    create_subjects,
    end_subject,
    set_billing_anchors,
    set_payment_method,
    update_profile,
)
from customers.turns import CustomerClosed, CustomerNotFound
from tests.conftest import MachineTime
from tests.customers.planner import Planner, at
from tests.racing import Gate, start, together, wait_until_blocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(machine_time: MachineTime) -> Customer:
    return create_customer(currency="EUR", key="ada", name="Ada", email="ada@example.org")


def happened(customer_id: str) -> list[tuple[str, Any]]:
    rows = Event.objects.filter(customer_id=customer_id).order_by("sequence")
    return [(row.type, row.data) for row in rows]


def zones(customer: Customer, *keys: str | None) -> list[Subject]:
    subjects = [NewSubject("zone", key) for key in keys]
    return create_subjects(customer_id=customer.id, subjects=subjects)


def test_a_customer_begins_at_the_whole_second_with_a_profile(ada: Customer) -> None:
    row = Customer.objects.select_related("profile").get()
    assert (row.id, row.key, row.currency, row.zone) == (ada.id, "ada", "EUR", "UTC")
    assert (row.created_at, row.last_acted_at) == (at("03-01 12:00"), at("03-01 12:00"))
    assert (row.next_due_at, row.closed_at, row.parked_at) == (None, None, None)
    assert (row.profile.name, row.profile.email) == ("Ada", "ada@example.org")
    assert not row.is_on_clock
    assert happened(ada.id) == [("customer.created", {"plans": {}})]


def test_plans_chosen_by_the_caller_are_told_to_whoever_listens(machine_time: MachineTime) -> None:
    customer = create_customer(currency="EUR", plans={"cdn": "pro"})
    assert happened(customer.id) == [("customer.created", {"plans": {"cdn": "pro"}})]


def test_a_key_names_one_customer(ada: Customer) -> None:
    with pytest.raises(KeyTaken) as refused:
        create_customer(currency="EUR", key="ada")
    assert (refused.value.status, refused.value.code) == (409, "key_taken")
    assert Customer.objects.count() == 1
    create_customer(currency="EUR")
    create_customer(currency="EUR")
    assert Customer.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_of_two_who_want_a_key_at_once_one_gets_it() -> None:
    def create() -> str:
        try:
            return create_customer(currency="EUR", key="ada").id
        except KeyTaken:
            return "taken"

    gate = Gate()

    def slow() -> str:
        made: list[str] = []
        unit_of_work(lambda: (made.append(create()), gate.pass_through()))
        return made[0]

    first = start(slow)
    gate.wait_until_reached()
    second = start(create)
    wait_until_blocked()
    gate.open()
    assert second.result(20) == "taken"
    assert [first.result(20)] == list(Customer.objects.values_list("id", flat=True))
    assert CustomerProfile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_key_is_free_again_when_who_wanted_it_failed() -> None:
    gate = Gate()

    def fail() -> None:
        def work() -> None:
            create_customer(currency="EUR", key="ada")
            gate.pass_through()
            raise KeyError("no")

        unit_of_work(work)

    first = start(fail)
    gate.wait_until_reached()
    second = start(lambda: create_customer(currency="EUR", key="ada"))
    wait_until_blocked()
    gate.open()
    with pytest.raises(KeyError):
        first.result(20)
    assert second.result(20).key == "ada"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "europe/berlin", "../etc/passwd"])
def test_a_zone_is_one_of_the_time_zone_database(zone: str) -> None:
    with pytest.raises(UnknownZone) as refused:
        create_customer(currency="EUR", zone=zone)
    assert (refused.value.status, refused.value.code) == (400, "unknown_zone")


def test_what_changes_in_a_profile_is_told_by_name_only(ada: Customer) -> None:
    row, changed = update_profile(customer_id=ada.id, name="Ada L.", email="ada@example.org")
    assert changed == {"name": "Ada L."}
    assert (row.profile.name, row.profile.email) == ("Ada L.", "ada@example.org")
    assert happened(ada.id)[1:] == [("customer.updated", {"fields": ["name"]})]


def test_an_update_that_changes_nothing_is_no_event(ada: Customer) -> None:
    assert update_profile(customer_id=ada.id, name="Ada")[1] == {}
    assert update_profile(customer_id=ada.id)[1] == {}
    assert len(happened(ada.id)) == 1


def test_subjects_begin_together(ada: Customer, machine_time: MachineTime) -> None:
    machine_time.passes(hours=1)
    made = create_subjects(
        customer_id=ada.id,
        subjects=[NewSubject("zone", "a.example", {"cdn": "pro"}), NewSubject("site")],
    )
    rows = Subject.objects.order_by("id").values_list("id", "key", "kind", "created_at")
    assert sorted(rows) == sorted(
        [
            (made[0].id, "a.example", "zone", at("03-01 13:00")),
            (made[1].id, None, "site", at("03-01 13:00")),
        ]
    )
    assert happened(ada.id)[1:] == [
        ("subject.created", {"kind": "zone", "plans": {"cdn": "pro"}}),
        ("subject.created", {"kind": "site", "plans": {}}),
    ]


@pytest.mark.parametrize("keys", [("a", "b", "a"), ("new", "taken"), ("taken",)])
def test_subjects_are_created_all_or_none(ada: Customer, keys: Sequence[str]) -> None:
    zones(ada, "taken")
    with pytest.raises(KeyTaken, match=r"has the key (a|taken) already"):
        zones(ada, *keys)
    assert list(Subject.objects.values_list("key", flat=True)) == ["taken"]
    assert len(happened(ada.id)) == 2


def test_subjects_of_two_customers_may_have_the_same_key(ada: Customer) -> None:
    zones(ada, "a.example", None, None)
    zones(create_customer(currency="EUR"), "a.example")
    assert Subject.objects.filter(key="a.example").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_subjects_key_is_given_once_although_two_ask_at_once() -> None:
    customer = create_customer(currency="EUR")

    def create() -> str:
        try:
            return zones(customer, "a.example")[0].id
        except KeyTaken:
            return "taken"

    assert together(create, create, create, create).count("taken") == 3
    assert Subject.objects.count() == 1


def test_a_subject_ends_once(ada: Customer, machine_time: MachineTime) -> None:
    [subject] = zones(ada, "a.example")
    machine_time.passes(hours=1)
    assert end_subject(subject_id=subject.id).ended_at == at("03-01 13:00")
    assert happened(ada.id)[-1] == ("subject.ended", {})
    with pytest.raises(SubjectEnded):
        end_subject(subject_id=subject.id)
    with pytest.raises(SubjectNotFound):
        end_subject(subject_id=new_id("sbj"))
    assert not Subject.objects.current().exists()


def test_a_customer_is_closed_with_all_its_subjects(
    ada: Customer, machine_time: MachineTime
) -> None:
    first, second = zones(ada, "a.example", "b.example")
    end_subject(subject_id=first.id)
    machine_time.passes(hours=1)
    closed = close_customer(customer_id=ada.id)
    assert (closed.closed_at, closed.last_acted_at) == (at("03-01 13:00"), at("03-01 13:00"))
    assert Subject.objects.get(pk=first.id).ended_at == at("03-01 12:00")
    assert Subject.objects.get(pk=second.id).ended_at == at("03-01 13:00")
    assert [name for name, _ in happened(ada.id)][3:] == [
        "subject.ended",
        "subject.ended",
        "customer.closed",
    ]


def test_nothing_can_be_done_for_a_closed_customer(ada: Customer) -> None:
    [subject] = zones(ada, "a.example")
    close_customer(customer_id=ada.id)
    commands: list[Callable[[], object]] = [
        lambda: close_customer(customer_id=ada.id),
        lambda: update_profile(customer_id=ada.id, name="Eve"),
        lambda: zones(ada, "b.example"),
        lambda: end_subject(subject_id=subject.id),
    ]
    for refused in commands:
        with pytest.raises(CustomerClosed):
            refused()


def test_commands_name_the_customer_that_is_missing(db: None) -> None:
    for missing in (
        lambda: close_customer(customer_id=new_id("cus")),
        lambda: update_profile(customer_id=new_id("cus"), name="Eve"),
        lambda: create_subjects(customer_id=new_id("cus"), subjects=[NewSubject("zone")]),
    ):
        with pytest.raises(CustomerNotFound):
            missing()


def test_billing_anchors_are_set_and_cleared_together(ada: Customer) -> None:
    bob = create_customer(currency="EUR")
    month_end = Anchor(at("02-28 00:00"), "UTC", 31)
    berlin = Anchor(at("01-30 23:00"), "Europe/Berlin")

    set_billing_anchors(anchors={ada.id: month_end, bob.id: None})
    set_billing_anchors(anchors={bob.id: berlin})
    assert {each.id: each.shared_anchor for each in Customer.objects.all()} == {
        ada.id: month_end,
        bob.id: berlin,
    }

    set_billing_anchors(anchors={ada.id: None})
    rows = Customer.objects.filter(pk=ada.id).values_list(
        "billing_anchor_at", "billing_anchor_zone", "billing_anchor_day"
    )
    assert list(rows) == [(None, "", None)]
    assert Customer.objects.get(pk=bob.id).shared_anchor == berlin


def test_a_customers_now_is_the_machines_whole_second(
    ada: Customer, machine_time: MachineTime
) -> None:
    machine_time.passes(seconds=61)
    assert now_of(ada) == at("03-01 12:01") + timedelta(seconds=1)


def test_a_new_customer_knows_when_time_will_change_it(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a listener subscribes it to a default plan in the same transaction."""

    def subscribe(rows: Sequence[Event]) -> None:
        for row in rows:
            assert row.customer_id is not None
            planner.add(row.customer_id, at("04-01 12:00"))

    listener = Listener(subscribe, frozenset({"customer.created"}))
    monkeypatch.setattr(events, "_projections", (listener,))
    assert create_customer(currency="EUR").next_due_at == at("04-01 12:00")


def test_a_unit_of_work_reads_a_customer_once_until_it_changes(
    ada: Customer, django_assert_num_queries: Any
) -> None:
    def work() -> None:
        with django_assert_num_queries(1):
            assert held([ada.id])[ada.id].payment_method_on_file is False
            assert held([ada.id])[ada.id].key == "ada"
        assert held([ada.id, new_id("cus")]).keys() == {ada.id}
        set_payment_method(customer_id=ada.id, on_file=True)
        assert held([ada.id])[ada.id].payment_method_on_file is True
        set_billing_anchors(anchors={ada.id: Anchor(at("03-05 12:00"), "UTC")})
        assert held([ada.id])[ada.id].shared_anchor == Anchor(at("03-05 12:00"), "UTC")
        close_customer(customer_id=ada.id)
        assert held([ada.id])[ada.id].closed_at == at("03-01 12:00")

    unit_of_work(work)
