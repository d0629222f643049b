"""Subscriptions in any state, and what may be agreed for them, for properties."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from core.periods import Anchor
from plans.change_rules import AnchorRule
from plans.terms import PauseMode, Terms
from subscriptions import moves
from subscriptions.agreement import Agreement
from subscriptions.planned import Kind, Planned
from subscriptions.states import State
from tests.core.test_periods_properties import ZONES
from tests.subscriptions.given import BUSINESS, FREE, PRO, TRIED, TRIED_LONGER, add_on, sale

SECOND = timedelta(seconds=1)
PLANS = [FREE, PRO, BUSINESS, TRIED, TRIED_LONGER]
ADD_ONS = ["logs", "mail"]


def sold(terms: Terms) -> st.SearchStrategy[str]:
    return st.sampled_from([each for each in ("month", "year") if each in terms.sold])


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    """A second from 2024 to 2032, often the end of a month."""
    year, month = draw(st.integers(2024, 2031)), draw(st.integers(1, 12))
    day = draw(st.integers(1, 31))
    first = datetime(year, month, 1, tzinfo=UTC)
    clamped = min(first + timedelta(days=day - 1), _month_after(first) - timedelta(days=1))
    return clamped + timedelta(seconds=draw(st.sampled_from([0, 0, 3600, 45_296, 86_399])))


def _month_after(first: datetime) -> datetime:
    return (first + timedelta(days=32)).replace(day=1)


@st.composite
def begun(draw: st.DrawFn) -> Agreement:
    """A subscription that has just begun, alone or joined to a date, some in their trial."""
    terms = draw(st.sampled_from(PLANS))
    interval, zone = draw(sold(terms)), draw(st.sampled_from(ZONES))
    start = draw(instants())
    shared = draw(st.none() | st.just(Anchor(draw(instants()), zone)))
    held = [add_on(key) for key in draw(st.sets(st.sampled_from(ADD_ONS)))]
    what = sale(terms, interval, draw(st.integers(1, 9)), held)
    days = terms.trial.days if terms.trial else 0
    return moves.begin(
        what,
        at=start,
        zone=zone,
        shared=shared,
        trial_ends_at=moves.trial_end(days, at=start, zone=zone) if days else None,
    )


@st.composite
def held_at(draw: st.DrawFn) -> tuple[Agreement, datetime]:
    """A subscription in any state it can be in, at an instant inside its first period."""
    agreement = draw(begun())
    whole = int((agreement.period.end - agreement.period.start).total_seconds())
    at = agreement.period.start + timedelta(seconds=draw(st.integers(1, max(1, whole - 1))))
    if agreement.state == State.ACTIVE and draw(st.booleans()):
        agreement = moves.payment_failed(agreement)
    if draw(st.booleans()):
        since = agreement.period.start + draw(
            st.sampled_from([SECOND, at - agreement.period.start])
        )
        agreement = moves.paused(agreement, mode=draw(st.sampled_from(PauseMode)), at=since)
    return agreement, at


@st.composite
def schedules(draw: st.DrawFn, agreement: Agreement, after: datetime) -> list[Planned]:
    """What may be agreed: of each kind at most one, at the period's end or on a date."""
    kinds = draw(st.sets(st.sampled_from(_AGREED), max_size=4))
    if agreement.pause is not None:
        kinds -= {Kind.PAUSE}
    agreed = []
    for kind in sorted(kinds):
        with_period = kind in _WITH_PERIOD and draw(st.booleans())
        later = after + timedelta(days=draw(st.integers(1, 500)), seconds=draw(st.integers(0, 9)))
        at = agreement.period.end if with_period else later
        agreed.append(_planned(draw, agreement, kind, at, with_period))
    return agreed


_AGREED = [
    Kind.PLAN, Kind.QUANTITY, Kind.ADD_ON, Kind.END, Kind.PAUSE, Kind.RESUME, Kind.ANCHOR,
    Kind.BILLING_END,
]  # fmt: skip
_WITH_PERIOD = {Kind.PLAN, Kind.QUANTITY, Kind.ADD_ON, Kind.END}


def _planned(
    draw: st.DrawFn, agreement: Agreement, kind: Kind, at: datetime, with_period: bool
) -> Planned:
    terms = draw(st.sampled_from(PLANS)) if kind == Kind.PLAN else None
    if kind == Kind.END and draw(st.booleans()):
        terms = FREE
    return Planned(
        id=f"pch_{kind}",
        kind=kind,
        at=at,
        with_period=with_period,
        terms=terms,
        interval=draw(sold(terms)) if terms else "",
        quantity=draw(st.integers(1, 9)) if kind == Kind.QUANTITY else None,
        add_on=add_on("logs", draw(st.integers(0, 3))) if kind == Kind.ADD_ON else None,
        pause_mode=draw(st.sampled_from(PauseMode)) if kind == Kind.PAUSE else None,
        anchor=Anchor(at, agreement.cycle.zone) if kind == Kind.ANCHOR else None,
        decision={"anchor": str(draw(st.sampled_from(AnchorRule)))},
    )
