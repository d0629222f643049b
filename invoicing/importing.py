"""What another system has billed of an imported subscription, and what is charged first here.

Pure. What counts as billed elsewhere is written as charges like any other, so that a later change
credits it, and nothing is charged for it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from invoicing.drafts import Billed, Draft, Kind, assess
from invoicing.stretches import Edge, Stretch
from invoicing.targets import LineKey
from invoicing.upcoming import next_change
from subscriptions.history import History

_IMPORTED = "imported"  # the cause
# As far as something may be billed ahead, in days, and a trial before it.
_MOST_LOOKS = 800


def known_since(history: History) -> datetime:
    """Return when the history of the latest import of a subscription begins."""
    return max(each.starts_at for each in history.entries if each.cause == _IMPORTED)


def billed_elsewhere(
    stretches: Sequence[Stretch], *, since: datetime, through: datetime, at: datetime
) -> list[Draft]:
    """Return the charges that stand for what another system has billed until an instant of a
    subscription that is imported at another, and known ``since`` a third one.

    What was held here before is over, and not looked at. Where ``through`` lies ahead, periods that
    have not begun are paid for as well. What is paid in arrears, or missing to a minimum, counts as
    billed where its period had ended by then and by the import. Fees asked once were asked there.

    In a pause that extends, ``through`` is what it was when that began, and time stands since. What
    was billed beyond the beginning of a pause with credit was settled there.
    """
    imported = [each for each in stretches if each.end is None or each.end.at > since]
    held = [
        each if each.is_one_time else _cut(each, through)
        for each in imported
        if each.is_one_time or each.start.at < through
    ]
    stands = [each.frozen_at for each in imported if each.frozen_at is not None]
    begun = assess(held, billed={}, at=through)
    due = assess(held, billed={}, at=min(through, at, *stands))
    return [
        *(each for each in begun if each.kind == Kind.ADVANCE),
        *(each for each in due if each.kind == Kind.ARREARS),
    ]


def _cut(stretch: Stretch, through: datetime) -> Stretch:
    """Return what of a stretch was billed: until an instant, or until its own end."""
    if stretch.end is not None and stretch.end.at <= through:
        return stretch
    return replace(stretch, end=Edge(through, goes_on=True), frozen_at=None)


def first_charge(
    stretches: Sequence[Stretch], *, billed: Mapping[LineKey, Billed], at: datetime
) -> tuple[datetime, int] | None:
    """Return when something will be charged first after an instant, and how much in minor units,
    if nothing changes until then; ``stretches`` have what is agreed for later."""
    instant = _following(stretches, at)
    for _ in range(_MOST_LOOKS):
        if instant is None:
            return None
        drafts = assess(stretches, billed=billed, at=instant)
        amount = sum(each.amount for each in drafts if each.kind != Kind.FORFEITED)
        if amount > 0:
            return instant, amount
        instant = _following(stretches, instant)
    return None


def _following(stretches: Sequence[Stretch], at: datetime) -> datetime | None:
    """Return the next instant at which something begins, ends or is due."""
    beginnings = [each.start.at for each in stretches if each.start.at > at]
    begun = [each for each in stretches if each.start.at <= at]
    later = next_change(begun, at)
    return min([*beginnings, *([later] if later else [])], default=None)
