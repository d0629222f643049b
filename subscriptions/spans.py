"""When a subscription grants what: the past, the present and what is already agreed. Pure."""

from dataclasses import dataclass
from datetime import datetime

from core.periods import Cycle, Period
from subscriptions.agreement import AddOnHeld
from subscriptions.history import Entry, History
from subscriptions.states import ENTITLED, State


@dataclass(frozen=True, slots=True)
class Span:
    """One subscription holds one plan version from ``start`` to ``end``, half open.

    ``end`` is None where nothing definite ends it: renewals are taken to succeed. ``interval`` and
    ``cycle`` say where its billing periods begin, for allowances per period; ``period`` is the one
    open at ``start``. ``is_paused`` marks a pause in which the plan gives no access. ``limits_of``
    are the earlier versions whose limits are kept.
    """

    subscription_id: str
    customer_id: str
    subject_id: str | None
    product_key: str
    plan_key: str
    plan_version_id: str
    quantity: int
    add_ons: tuple[AddOnHeld, ...]
    start: datetime
    end: datetime | None
    interval: str
    cycle: Cycle
    period: Period
    is_paused: bool
    cause: str
    limits_of: tuple[str, ...] = ()


def spans_of(history: History) -> list[Span]:
    """Return the spans of one subscription in order; what has no length is left out."""
    entries = (*history.entries, *history.agreed)
    ends = [*(entry.starts_at for entry in entries[1:]), None]
    return [
        _span(history, entry, end)
        for entry, end in zip(entries, ends, strict=True)
        if entry.starts_at != end and _is_held(entry)
    ]


def _is_held(entry: Entry) -> bool:
    return entry.agreement.state in ENTITLED | {State.PAUSED}


def _span(history: History, entry: Entry, end: datetime | None) -> Span:
    held = entry.agreement
    return Span(
        subscription_id=history.subscription_id,
        customer_id=history.customer_id,
        subject_id=history.subject_id,
        product_key=history.product_key,
        plan_key=held.terms.plan_key,
        plan_version_id=held.terms.version_id,
        quantity=held.quantity,
        add_ons=held.add_ons,
        start=entry.starts_at,
        end=end,
        interval=held.interval,
        cycle=held.cycle,
        period=held.period,
        is_paused=not held.is_entitled,
        cause=entry.cause,
        limits_of=held.limits_of,
    )
