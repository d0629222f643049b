"""Many renewals due at one instant: whatever happens, each is done and charged once."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from core import acting, events
from core.models import Event
from customers.models import Customer
from customers.services import create_customer
from customers.turns import retry, run_due_live
from invoicing.models import Charge
from subscriptions import events as told
from subscriptions.models import Subscription
from tests.conftest import MachineTime
from tests.world import EXAMPLES

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 3


class Killed(BaseException):
    """What a worker does not survive."""


@pytest.fixture(autouse=True)
def _alone() -> None:
    """The whole platform listens here, unlike in the tests beside this one."""


@pytest.fixture
def due(machine_time: MachineTime, _alone: None) -> list[str]:
    """Ten customers who paid 5.00 on 1 March, and whose next month has just begun."""
    call_command("catalog", "apply", str(EXAMPLES / "catalog.yaml"), verbosity=0)
    plans = {"workers": "workers_paid"}
    made = [create_customer(currency="USD", plans=plans).id for _ in range(10)]
    machine_time.passes(days=31)
    return sorted(made)


def renew() -> None:
    with acting.acting_as("system:relay"):
        while run_due_live(limit=AT_ONCE):
            pass


def renewals() -> dict[str, int]:
    """Return how often each customer was renewed."""
    found: dict[str, int] = {}
    for customer_id in Event.objects.filter(type=told.RENEWED.name).values_list(
        "customer_id", flat=True
    ):
        found[str(customer_id)] = found.get(str(customer_id), 0) + 1
    return found


def assert_each_renewed_once(customer_ids: Sequence[str]) -> None:
    assert renewals() == dict.fromkeys(customer_ids, 1)
    rows = Subscription.objects.filter(customer_id__in=customer_ids)
    assert {row.period_start.date().isoformat() for row in rows} == {"2026-04-01"}
    for customer_id in customer_ids:
        charges = Charge.objects.filter(customer_id=customer_id).order_by("at")
        assert [(each.amount, each.at.date().isoformat()) for each in charges] == [
            (500, "2026-03-01"),
            (500, "2026-04-01"),
        ]


def damage(customer_id: str, interval: str) -> None:
    """Write into the history of a customer what no rule can read."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE subscriptions_term SET interval = %s FROM subscriptions_subscription s"
            " WHERE s.id = subscription_id AND s.id = %s",
            [interval, Subscription._meta.pk.get_prep_value(_subscription_of(customer_id))],
        )
        cursor.execute("SET session_replication_role = origin")


def _subscription_of(customer_id: str) -> str:
    return str(Subscription.objects.get(customer_id=customer_id).id)


def test_who_cannot_be_renewed_is_parked_and_the_others_are_renewed(due: list[str]) -> None:
    broken, others = due[4], [each for each in due if each != due[4]]
    damage(broken, "fortnight")

    renew()

    assert_each_renewed_once(others)
    parked = Customer.objects.exclude(parked_at=None)
    assert [(each.id, each.park_error) for each in parked] == [
        (broken, 'MalformedInterval: an interval is written like "month", "3 months" or "once"')
    ]
    renew()
    assert_each_renewed_once(others)

    damage(broken, "month")
    retry(customer_id=broken)
    assert_each_renewed_once(due)
    call_command("check_invariants", verbosity=0)


def test_killed_half_way_it_goes_on_where_it_stopped(
    due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def die_in_the_second_batch(happened: Sequence[Event]) -> None:
        seen.append(len(happened))
        if len(seen) == 2:
            raise Killed

    killer = events.Listener(die_in_the_second_batch, frozenset({told.RENEWED.name}))
    with monkeypatch.context() as patch:
        patch.setattr(events, "_projections", (*events._projections, killer))
        with pytest.raises(Killed):
            renew()
    assert seen == [3, 3]
    # the first batch is done; of the second, whose work was all written, nothing is left
    assert sum(renewals().values()) == 3
    assert Charge.objects.count() == 10 + 3

    renew()

    assert_each_renewed_once(due)
    call_command("check_invariants", verbosity=0)


def test_two_workers_at_once_renew_each_once(due: list[str]) -> None:
    at_once(renew, renew)

    assert_each_renewed_once(due)
    assert not Customer.objects.exclude(parked_at=None).exists()
    call_command("check_invariants", verbosity=0)


def at_once(*work: Callable[[], Any]) -> None:
    """Run in threads that begin together; fail if one of them does."""
    gate = threading.Barrier(len(work))
    failed: list[BaseException] = []

    def run(each: Callable[[], Any]) -> None:
        gate.wait()
        try:
            each()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
