"""Plain values to test the pure rules with: a price list, instants and agreements."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from core.money import Money
from core.periods import Anchor, Period
from plans.change_rules import AnchorRule
from plans.terms import (
    AddOnTerms,
    Due,
    PauseMode,
    PriceModel,
    PriceTerms,
    ProductTerms,
    QuantityTerms,
    Scope,
    Terms,
    TrialEnd,
    TrialTerms,
    TrialUsage,
)
from subscriptions import moves
from subscriptions.agreement import AddOnHeld, Agreement
from subscriptions.arrival import Arrival, Given, arrive
from subscriptions.planned import Kind, Planned
from subscriptions.sales import Sale

ZONE = ProductTerms(
    id="prd_zone",
    key="zone",
    name="Zone",
    scope=Scope.SUBJECT,
    subject_kind="zone",
    exclusive=True,
    co_terms=True,
    default_plan_id="pln_free",
    fallback_plan_id="pln_free",
    change_rules=(),
)
UNBOUND = replace(ZONE, id="prd_mail", key="mail", co_terms=False)


def at(text: str) -> datetime:
    """Read ``2025-03-01`` or ``2025-03-01 09:30``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def price(interval: str, amount: str) -> PriceTerms:
    return PriceTerms(
        id=f"prc_{interval}",
        key="base",
        sold_interval=interval,
        currency="USD",
        interval=interval,
        model=PriceModel.FLAT,
        due=Due.ADVANCE,
        amount=Decimal(amount),
    )


def trial(days: int, ends: TrialEnd = TrialEnd.PAID_IF_METHOD) -> TrialTerms:
    return TrialTerms(days, ends, TrialUsage.BILLED, Scope.CUSTOMER)


def plan(
    key: str,
    rank: int,
    *,
    product: ProductTerms = ZONE,
    trial: TrialTerms | None = None,
    access_while_paused: bool = False,
    **amounts: str,
) -> Terms:
    return Terms(
        version_id=f"plv_{key}",
        version=1,
        status="published",
        plan_id=f"pln_{key}",
        plan_key=key,
        plan_name=key,
        rank=rank,
        product=product,
        sold={interval: ("USD",) for interval in amounts},
        prices=tuple(price(interval, amount) for interval, amount in amounts.items()),
        features={},
        billing_zone="UTC",
        trial=trial,
        contract=False,
        externally_managed=False,
        access_while_paused=access_while_paused,
        quantity=QuantityTerms(),
    )


FREE = plan("free", 0, month="0")
PRO = plan("pro", 1, month="25", year="240", week="7")
BUSINESS = plan("business", 2, month="250", year="2400")
TRIED = plan("tried", 1, trial=trial(14), month="25", year="240")
TRIED_LONGER = plan("tried_longer", 2, trial=trial(30), month="250", year="2400")


def add_on(key: str, quantity: int = 1, *plans: Terms) -> AddOnHeld:
    """An add-on that is sold per month, for some plans: Pro and Business if none is named."""
    terms = AddOnTerms(
        sold={"month": ("USD",)},
        prices=(price("month", "10"),),
        version_id=f"aov_{key}",
        version=1,
        status="published",
        add_on_id=f"aon_{key}",
        add_on_key=key,
        add_on_name=key,
        available_for=frozenset(each.plan_id for each in plans or (PRO, BUSINESS)),
        included_in=frozenset(),
        features={},
        quantity=QuantityTerms(),
    )
    return AddOnHeld(terms, quantity)


def sale(
    terms: Terms, interval: str = "month", quantity: int = 1, add_ons: Sequence[AddOnHeld] = ()
) -> Sale:
    return Sale(terms, interval, "USD", quantity, tuple(add_ons))


def on(
    terms: Terms,
    since: str | datetime,
    interval: str = "month",
    *,
    zone: str = "UTC",
    quantity: int = 1,
    add_ons: Sequence[AddOnHeld] = (),
    shared: Anchor | None = None,
    trial_until: str | None = None,
) -> Agreement:
    """An agreement that has just begun."""
    return moves.begin(
        sale(terms, interval, quantity, add_ons),
        at=at(since) if isinstance(since, str) else since,
        zone=zone,
        shared=shared,
        trial_ends_at=at(trial_until) if trial_until else None,
    )


def change(
    held: Agreement,
    terms: Terms | None = None,
    interval: str | None = None,
    *,
    when: str | datetime,
    anchor: AnchorRule = AnchorRule.KEEP,
    quantity: int | None = None,
    base: Agreement | None = None,
    shared: Anchor | None = None,
) -> Agreement:
    """Change an agreement at an instant, for the first time there unless ``base`` is given."""
    to = terms or held.terms
    return moves.changed(
        held,
        sale(to, interval or held.interval, quantity or held.quantity, held.add_ons),
        base=base or held,
        anchor=anchor,
        at=at(when) if isinstance(when, str) else when,
        shared=shared,
        trial_days=to.trial.days if to.trial else None,
    )


def shown(agreement: Agreement) -> tuple[str, str]:
    """The open period in short: ``("2025-03-01", "2025-04-01")``; times only if not midnight."""
    period = agreement.period
    return _short(period.start), _short(period.end)


def _short(when: datetime) -> str:
    text = when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(":00").removesuffix(" 00:00")


def charge(amount: str, share: Fraction) -> str:
    return str(Money.from_major(amount, "USD").times(share).to_major())


def share(held: Agreement, start: str, end: str) -> Fraction:
    """The share of a span in the full period that its start lies in, in served time."""
    served = Period(held.cycle.served(at(start)), held.cycle.served(at(end)))
    return held.cycle.served_period_at(held.every, served.start).fraction(served)


FEBRUARY_10 = "2026-02-10"


def planned(
    kind: Kind,
    when: str | datetime = FEBRUARY_10,
    to: Terms | None = None,
    interval: str = "month",
    *,
    anchor: AnchorRule = AnchorRule.KEEP,
    with_period: bool = False,
    quantity: int | None = None,
    held: AddOnHeld | None = None,
    mode: PauseMode | None = None,
    counted: Anchor | None = None,
    zone: str | None = None,
) -> Planned:
    return Planned(
        id=f"pch_{kind}{held.key if held else ''}",
        kind=kind,
        at=at(when) if isinstance(when, str) else when,
        with_period=with_period,
        terms=to,
        interval=interval if to else "",
        quantity=quantity,
        add_on=held,
        pause_mode=mode,
        anchor=counted,
        zone=zone,
        decision={"anchor": str(anchor)},
    )


def at_instant(
    held: Agreement,
    agreed: Sequence[Planned] = (),
    when: str | datetime = FEBRUARY_10,
    given: Given | None = None,
) -> Arrival:
    instant = at(when) if isinstance(when, str) else when
    arrival = arrive(held, agreed, at=instant, given=given or Given())
    assert arrival is not None
    return arrival
