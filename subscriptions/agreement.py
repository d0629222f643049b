"""What a subscription is at one instant: the whole agreement as one value. Pure.

``subscriptions.moves`` makes one agreement of another, ``subscriptions.arrival`` says what time
does, ``subscriptions.history`` strings them together.
"""

from dataclasses import dataclass
from datetime import datetime

from core.periods import MONTH, Cycle, Interval, Period
from plans.terms import AddOnTerms, PauseMode, Terms
from subscriptions.states import BILLABLE, ENTITLED, State

_NOTHING_HELD = frozenset({State.PENDING, State.CANCELED})


@dataclass(frozen=True, slots=True)
class Trial:
    """``[starts_at, ends_at)``, in the customer's time."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """``is_past_due`` keeps, while it lasts, that a payment for the subscription has failed."""

    since: datetime
    mode: PauseMode
    is_past_due: bool = False


@dataclass(frozen=True, slots=True)
class AddOnHeld:
    terms: AddOnTerms
    quantity: int

    @property
    def key(self) -> str:
        return self.terms.add_on_key


@dataclass(frozen=True, slots=True)
class Agreement:
    """Plan, interval, quantity and add-ons, and how their periods are counted.

    ``period`` is the open one: its start is the agreement's own, its end is a boundary of the
    ``cycle``. ``trial`` is there while trialing, ``pause`` while paused. ``is_billed`` is false
    where access began before billing does, or outlives it. ``limits_of`` are the versions of the
    plan that were held earlier and whose limits still count where they are higher, the oldest
    first; the present one is never among them.
    """

    terms: Terms
    interval: str
    currency: str
    quantity: int
    state: State
    cycle: Cycle
    period: Period
    add_ons: tuple[AddOnHeld, ...] = ()
    trial: Trial | None = None
    pause: Pause | None = None
    is_billed: bool = True
    limits_of: tuple[str, ...] = ()

    @property
    def every(self) -> Interval:
        """The interval of its periods."""
        return Interval.parse(self.interval)

    @property
    def is_free(self) -> bool:
        """Whether every price of the plan is zero."""
        return self.terms.is_free(self.interval, self.currency)

    @property
    def is_paid_monthly(self) -> bool:
        """Whether it keeps the customer's billing anchor in place."""
        return self.state not in _NOTHING_HELD and self.every == MONTH and not self.is_free

    @property
    def is_entitled(self) -> bool:
        """Whether it grants what its plan holds."""
        if self.state == State.PAUSED:
            return self.terms.access_while_paused
        return self.state in ENTITLED

    @property
    def is_charged(self) -> bool:
        """Whether its fees are owed for the time that it holds. A pause that extends takes its time
        out of the count, so it is owed and costs nothing."""
        if self.pause is not None:
            return self.pause.mode == PauseMode.EXTEND and self.is_billed
        return self.is_billed and self.state in BILLABLE

    def add_on(self, key: str) -> AddOnHeld | None:
        return next((each for each in self.add_ons if each.key == key), None)

    def period_at(self, at: datetime) -> Period:
        """Return the period that contains an instant, if nothing but time changes the agreement."""
        if at < self.period.end or self.state not in BILLABLE:
            return self.period
        return self.cycle.period_at(self.every, at)
