"""How somebody wants a subscription to begin: its anchor, its trial, when it is billed and ends."""

from datetime import datetime

from core.errors import Unprocessable
from core.periods import Anchor, Interval
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.planned import Kind, Planned
from subscriptions.services.ends import end_of
from subscriptions.services.steps import Step
from subscriptions.services.trials import new_trial_end
from subscriptions.services.wanted import Beginning
from subscriptions.states import State


class DateInPast(Unprocessable):
    """The date is over: what is agreed for later lies ahead."""

    code = "date_in_past"


class DatesOutOfOrder(Unprocessable):
    """Access begins before billing does, and both before the end."""

    code = "dates_out_of_order"


def check(how: Beginning, *, at: datetime) -> datetime:
    """Return when access begins.

    :raises DateInPast: if that lies behind
    :raises DatesOutOfOrder: if billing begins before access, or the end does not come after both
    """
    start = how.access_start or at
    if start < at:
        raise DateInPast("access_start lies ahead", field="access_start")
    billed = how.billing_start or start
    if billed < start:
        raise DatesOutOfOrder("billing begins with access or later", field="billing_start")
    if how.ends_at is not None and how.ends_at <= billed:
        raise DatesOutOfOrder("it ends after it begins", field="ends_at")
    return start


def anchor(how: Beginning, *, interval: str, zone: str, start: datetime) -> Anchor | None:
    """Return the anchor that was asked for.

    :raises AnchorNotAllowed: if the interval cannot be counted so
    """
    if how.anchor is None:
        return None
    begins = max(how.billing_start or start, start)
    return how.anchor.resolve(interval=Interval.parse(interval), zone=zone, start=begins)


def in_place(after: Agreement, step: Step, how: Beginning, *, explicit: Anchor | None) -> Agreement:
    """Return an agreement that becomes a paid one, in its trial if it still gets one, and not
    billed yet if that was asked for.

    :raises TrialSpent: if a trial was asked for and had before
    """
    row, shared = step.loaded.row, step.loaded.row.customer.shared_anchor
    if not step.loaded.agreement.is_free or after.is_free or after.state != State.ACTIVE:
        return after
    billed_from = how.billing_start
    if billed_from is not None and billed_from > step.at:
        after = moves.billed_later(
            after, at=step.at, billed_from=billed_from, shared=shared, explicit=explicit
        )
    zone = after.cycle.zone
    ends_at = new_trial_end(after.terms, row, at=step.at, zone=zone, days=how.trial_days)
    if ends_at is None:
        return after
    return moves.trial_begun(after, at=step.at, ends_at=ends_at, shared=shared, explicit=explicit)


def later(held: Agreement, how: Beginning, *, customer_id: str, start: datetime) -> list[Planned]:
    """Return what is agreed at once for later: when billing begins, and the end.

    :raises AlreadyOnFallback: if the plan is what an end leads to
    """
    planned = []
    if how.billing_start is not None and how.billing_start > start:
        planned.append(Planned("", Kind.BILLING_START, how.billing_start))
    if how.ends_at is not None:
        planned.append(end_of(held, customer_id=customer_id, at=how.ends_at))
    return planned
