"""What a subscription becomes by a change, and by time alone. Pure: values in, values out.

Sources: the change policy is catalog data (``plans.change_rules``), the choice of the anchor and
the periods are ``core.periods``; this module only puts them together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import Unprocessable
from core.periods import MONTH, ONCE, Anchor, Interval, Period, choose_anchor, next_boundary
from plans.change_rules import AnchorRule, Decision, Situation, compare_ranks, decide
from plans.terms import Terms
from subscriptions.states import Action, State, after


class IntervalNotSold(Unprocessable):
    """The plan is not sold for this interval in the customer's currency."""

    code = "interval_not_sold"


class CurrencyNotSold(Unprocessable):
    """The plan is not sold in the customer's currency."""

    code = "currency_not_sold"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a subscription is at one instant."""

    terms: Terms
    interval: str
    currency: str
    state: State
    anchor_at: datetime
    zone: str
    period: Period

    @property
    def is_free(self) -> bool:
        return self.terms.is_free(self.interval, self.currency)

    @property
    def is_paid_monthly(self) -> bool:
        """Whether it keeps the customer's billing anchor in place."""
        return Interval.parse(self.interval) == MONTH and not self.is_free


class Kind(StrEnum):
    """What is agreed for later."""

    PLAN = "plan"
    END = "end"


@dataclass(frozen=True, slots=True)
class Planned:
    """A pending change. ``terms`` say where it leads: an end without them ends for good."""

    id: str
    kind: Kind
    at: datetime
    terms: Terms | None = None
    interval: str = ""
    decision: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What an instant did: ``what`` is changed, renewed or ended; ``applied`` names what was
    planned for it, ``superseded`` what it made void."""

    agreement: Agreement
    what: str
    applied: Planned | None = None
    superseded: tuple[Planned, ...] = ()


def choose_interval(
    terms: Terms, *, currency: str, wanted: str | None, current: str | None = None
) -> str:
    """Return the interval to sell a plan for: the wanted one, else the current, else its shortest.

    :raises CurrencyNotSold: if there is no price in the currency
    :raises IntervalNotSold: if the wanted one is not sold, or nothing that has periods
    """
    if not terms.intervals(currency):
        raise CurrencyNotSold(f"{terms.plan_key} is not sold in {currency}")
    sold = [each for each in terms.intervals(currency) if each != str(ONCE)]
    if not sold or (wanted is not None and wanted not in sold):
        raise IntervalNotSold(
            f"{terms.plan_key} is subscribed to per {' or '.join(sold) or 'no interval'}", sold=sold
        )
    if wanted is not None:
        return wanted
    return current if current in sold else sold[0]


def begin(
    terms: Terms, *, interval: str, currency: str, zone: str, at: datetime, shared: datetime | None
) -> Agreement:
    """Return a new agreement. ``shared`` is the customer's billing anchor, if there is one."""
    anchor_at = _new_anchor(terms, interval, currency, zone=zone, at=at, shared=shared)
    return Agreement(
        terms=terms,
        interval=interval,
        currency=currency,
        state=State.ACTIVE,
        anchor_at=anchor_at,
        zone=zone,
        period=_open_period(anchor_at, zone, interval, at),
    )


def decide_change(agreement: Agreement, terms: Terms, interval: str) -> Decision:
    """Ask the product's change policy how this change happens."""
    situation = Situation(
        rank=compare_ranks(agreement.terms.rank, terms.rank),
        interval=Interval.parse(interval).compared_with(Interval.parse(agreement.interval)),
        free_to_paid=agreement.is_free and not terms.is_free(interval, agreement.currency),
    )
    return decide(terms.product.change_rules, situation)


def changed(
    agreement: Agreement,
    terms: Terms,
    *,
    interval: str,
    anchor: AnchorRule,
    at: datetime,
    shared: datetime | None,
) -> Agreement:
    """Return the agreement after a change of plan, version or interval at an instant.

    The open period goes on only if the anchor is kept and the interval is the same; else a new one
    begins at the instant, to the next boundary of the new sequence.
    """
    state = after(agreement.state, Action.CHANGE)
    following = replace(agreement, terms=terms, interval=interval, state=state)
    if anchor == AnchorRule.RESTART:
        anchor_at = _new_anchor(
            terms, interval, agreement.currency, zone=agreement.zone, at=at, shared=shared
        )
        following = replace(following, anchor_at=anchor_at)
    elif interval == agreement.interval and agreement.period.contains(at):
        return following
    period = _open_period(following.anchor_at, following.zone, interval, at)
    return replace(following, period=period)


def renewed(agreement: Agreement) -> Agreement:
    """Return the agreement in its next period, which begins where the last one ends."""
    start = agreement.period.end
    period = _open_period(agreement.anchor_at, agreement.zone, agreement.interval, start)
    return replace(agreement, state=after(agreement.state, Action.RENEW), period=period)


def ended(agreement: Agreement) -> Agreement:
    """Return the agreement after its end."""
    return replace(agreement, state=after(agreement.state, Action.END))


def decide_fallback(agreement: Agreement, fallback: Terms) -> tuple[str, Decision]:
    """Return the interval at which an end falls back to another plan, and how that happens."""
    interval = choose_interval(
        fallback, currency=agreement.currency, wanted=None, current=agreement.interval
    )
    return interval, decide_change(agreement, fallback, interval)


def arrive(
    agreement: Agreement, planned: Sequence[Planned], *, at: datetime, shared: datetime | None
) -> Arrival | None:
    """Return what an instant does to a subscription, or None if it does nothing.

    Order at one instant: an end, then a change of plan, then the period rolls with what results.
    """
    due = [each for each in planned if each.at <= at]
    end = next((each for each in due if each.kind == Kind.END), None)
    if end is not None:
        void = tuple(each for each in planned if each is not end)
        if end.terms is None:
            return Arrival(ended(agreement), "ended", end, void)
        following = _followed(agreement, end, end.terms, at=at, shared=shared)
        return Arrival(following, "changed", end, void)
    change = next((each for each in due if each.kind == Kind.PLAN), None)
    if change is not None and change.terms is not None:
        following = _followed(agreement, change, change.terms, at=at, shared=shared)
        return Arrival(following, "changed", change)
    if agreement.period.end <= at:
        return Arrival(renewed(agreement), "renewed")
    return None


def _followed(
    agreement: Agreement, planned: Planned, terms: Terms, *, at: datetime, shared: datetime | None
) -> Agreement:
    """Return the agreement after what was planned, as it was decided when it was agreed."""
    anchor = AnchorRule(planned.decision["anchor"])
    return changed(agreement, terms, interval=planned.interval, anchor=anchor, at=at, shared=shared)


def _new_anchor(
    terms: Terms, interval: str, currency: str, *, zone: str, at: datetime, shared: datetime | None
) -> datetime:
    """Where counting begins anew: a free plan never joins the customer's billing anchor."""
    return choose_anchor(
        explicit=None,
        billing_anchor=None if shared is None else Anchor(shared, zone),
        co_terms=terms.product.co_terms and not terms.is_free(interval, currency),
        interval=Interval.parse(interval),
        trial_end=None,
        start=at,
        zone=zone,
    ).at


def _open_period(anchor_at: datetime, zone: str, interval: str, at: datetime) -> Period:
    """The period that begins at the instant and ends at the anchor's next boundary."""
    return Period(at, next_boundary(Anchor(anchor_at, zone), Interval.parse(interval), at))
