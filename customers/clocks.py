"""Test clocks: time that moves only when told, and then runs everything that lies on the way.

Advancing is the same code as the live tick, stopped at every due instant of the clock's customers.
It is done in bounded steps by workers, so any distance can be asked for and a killed worker
loses nothing.
"""

from datetime import datetime, timedelta

from django.db.models import Min

from core import acting, clock, events, nudges, preconditions
from core.errors import BadRequest, Conflict, NotFound
from core.transactions import command, unit_of_work
from customers import turns
from customers.models import Customer, TestClock

INSTANTS_PER_BATCH = 100
CUSTOMERS_PER_STEP = 200
LONGEST_ADVANCE = timedelta(days=3660)


class ClockNotFound(NotFound):
    """There is no such test clock."""

    code = "test_clock_not_found"


class ClockCannotGoBack(Conflict):
    """Test clocks only move forward."""

    code = "clock_cannot_go_back"


class AdvanceTooFar(BadRequest):
    """One advance covers ten years at most."""

    code = "advance_too_far"


@command
def create_clock(*, frozen_at: datetime, name: str) -> TestClock:
    """Make a test clock that stands at an instant, in whole seconds like everything it drives."""
    return TestClock.objects.create(
        frozen_at=clock.whole_second(frozen_at), name=name, created_at=clock.system_now()
    )


@command
def advance(*, clock_id: str, to: datetime) -> TestClock:
    """Ask for a clock to be moved to a whole second. Workers move it; its status is ``ready`` when
    it is there.

    :raises ClockNotFound: if there is none
    :raises PreconditionFailed: if it is not what the caller has seen
    :raises turns.ClockAdvancing: if it is moving already
    :raises ClockCannotGoBack: if it is past that instant
    :raises AdvanceTooFar: for more than ten years at once
    """
    to = clock.whole_second(to)
    row = TestClock.objects.select_for_update(no_key=True).filter(pk=clock_id).first()
    if row is None:
        raise ClockNotFound("there is no such test clock")
    preconditions.verify(row)
    if row.advancing_to is not None:
        raise turns.ClockAdvancing(f"the clock is moving to {row.advancing_to.isoformat()}")
    if to < row.frozen_at:
        raise ClockCannotGoBack(f"the clock is already at {row.frozen_at.isoformat()}")
    if to - row.frozen_at > LONGEST_ADVANCE:
        raise AdvanceTooFar("advance by ten years at most, then again")
    row.advancing_to = to
    row.save(update_fields=["advancing_to"])
    nudges.after_commit("clocks")
    return row


def advance_clocks() -> int:
    """Move every advancing clock on by a bounded number of instants; return how many steps."""
    with acting.acting_as("system:clock"):
        return sum(
            _advance(clock_id)
            for clock_id in TestClock.objects.filter(advancing_to__isnull=False).values_list(
                "id", flat=True
            )
        )


def _advance(clock_id: str) -> int:
    for done in range(INSTANTS_PER_BATCH):
        to = TestClock.objects.values_list("advancing_to", flat=True).get(pk=clock_id)
        if to is None:
            return done
        customers = Customer.objects.filter(test_clock_id=clock_id).moving()
        due_at = customers.filter(next_due_at__lte=to).aggregate(at=Min("next_due_at"))["at"]
        if due_at is None:
            _arrive(clock_id=clock_id)
            return done + 1
        _stop_at(clock_id=clock_id, at=due_at)
        _run_everything_due(clock_id, due_at)
    return INSTANTS_PER_BATCH


def _run_everything_due(clock_id: str, at: datetime) -> None:
    """Run one instant of all the clock's customers, and the reactions to it."""
    customers = Customer.objects.filter(test_clock_id=clock_id).moving()
    due = customers.filter(next_due_at__lte=at).order_by("pk").values_list("pk", flat=True)
    while ids := list(due[:CUSTOMERS_PER_STEP]):
        turns.run_due(ids)
        while events.deliver_pending(customer_ids=ids):
            pass


def _stop_at(*, clock_id: str, at: datetime) -> None:
    """Move the clock to an instant on its way; two workers at once do no harm."""
    moving = TestClock.objects.filter(pk=clock_id, frozen_at__lt=at, advancing_to__gte=at)
    unit_of_work(lambda: moving.update(frozen_at=at))


@command
def _arrive(*, clock_id: str) -> None:
    """End the advance, unless a customer has become due again on the way."""
    row = TestClock.objects.select_for_update(no_key=True).get(pk=clock_id)
    if row.advancing_to is None:
        return
    customers = Customer.objects.filter(test_clock_id=clock_id).moving()
    if customers.filter(next_due_at__lte=row.advancing_to).exists():
        return
    row.frozen_at, row.advancing_to = row.advancing_to, None
    row.save(update_fields=["frozen_at", "advancing_to"])
