"""When time alone will change what should be charged. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from invoicing.stretches import Stretch
from plans.terms import Due

_SECOND = timedelta(seconds=1)


def next_change(stretches: Iterable[Stretch], at: datetime) -> datetime | None:
    """Return the next instant after ``at`` at which a period begins, an end comes or something in
    arrears is due; None if nothing will change by itself."""
    found = (_next_of(each, at) for each in stretches if not each.is_one_time)
    return min((each for each in found if each is not None), default=None)


def _next_of(stretch: Stretch, at: datetime) -> datetime | None:
    if stretch.frozen_at is not None:
        return None
    end = stretch.end
    if end is None:
        return stretch.cycle.next_boundary(stretch.every, at)
    if end.at > at:
        return min(stretch.cycle.next_boundary(stretch.every, at), end.at)
    waits = stretch.price.due == Due.ARREARS or stretch.price.minimum is not None
    if waits and end.goes_on and end.at > stretch.start.at:
        over = stretch.cycle.next_boundary(stretch.every, end.at - _SECOND)
        return over if over > at else None
    return None
