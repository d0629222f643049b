"""Where periods are counted from: when counting begins, and after a pause. Pure."""

from datetime import datetime

from core.periods import DAY, MONTH, WEEK, Anchor, Cycle, Interval, Period, choose_anchor
from subscriptions.agreement import Agreement
from subscriptions.sales import Sale


def new_cycle(
    sale: Sale,
    *,
    at: datetime,
    zone: str,
    shared: Anchor | None,
    explicit: Anchor | None = None,
    trial: datetime | None = None,
) -> Cycle:
    """Return where counting begins anew: a free plan never joins the customer's billing anchor."""
    free = sale.terms.is_free(sale.interval, sale.currency)
    return Cycle(
        choose_anchor(
            explicit=explicit,
            billing_anchor=shared,
            co_terms=sale.terms.product.co_terms and not free,
            interval=Interval.parse(sale.interval),
            trial_end=trial,
            start=at,
            zone=sale.zone or zone,
        )
    )


def open_period(cycle: Cycle, interval: str, at: datetime) -> Period:
    """Return the period that begins at an instant and ends at the cycle's next boundary."""
    return Period(at, cycle.next_boundary(Interval.parse(interval), at))


def recurrence(held: Agreement, at: datetime) -> Anchor:
    """Return the latest recurrence of the anchor's day at or before an instant."""
    every = held.every
    if every.months:
        begun = held.cycle.period_at(MONTH, at).start
        day = held.cycle.anchor.day if not held.cycle.shift_seconds else None
    else:
        begun = held.cycle.period_at(DAY if every.days % 7 else WEEK, at).start
        day = None
    return _anchor_on(begun, held.cycle.zone, day)


def _anchor_on(at: datetime, zone: str, day: int | None) -> Anchor:
    """Return an anchor that remembers its day where the month was too short for it."""
    if day is None or Anchor(at, zone).wall.day == day:
        return Anchor(at, zone)
    return Anchor(at, zone, day)
