"""Facts: who is given what, by what, from when to when. Plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entitlements.windows import WindowRule, window_rule
from plans import values
from plans.terms import Effect, Terms, ValueTerms
from plans.values import Comparison, FeatureType, Metered, Value
from subscriptions.agreement import AddOnHeld
from subscriptions.spans import Span

PLAN = "plan"
ADD_ON = "add_on"
OVERRIDE = "override"  # what somebody gave beside all that is sold
KEPT = "kept"  # what a downgrade leaves for a while
# What "the higher limit" can be said of: a number of things, and an allowance of use.
LIMITS = frozenset({FeatureType.LIMIT, FeatureType.METERED})


@dataclass(frozen=True, slots=True)
class Source:
    """What gives a value. A plan gives it through the subscription that ``id`` names.

    An add-on has an ``id`` of its own; ``subscription`` is the one that it belongs to, and ``plan``
    and ``plan_version`` are its base's. ``kept_from`` is the earlier version of the plan that a
    higher limit is kept from. An override belongs to no product; ``mode`` says what it does to what
    is there without it.
    """

    type: str
    id: str
    product: str
    plan: str
    plan_version: str
    subscription: str = ""
    add_on: str = ""
    add_on_version: str = ""
    kept_from: str = ""
    mode: str = ""

    @property
    def subscription_id(self) -> str:
        return self.subscription or self.id


@dataclass(frozen=True, slots=True)
class Fact:
    """One source gives one owner one feature's value in ``[starts_at, ends_at)``.

    The owner is the subject or, without one, the customer. ``window`` says when use of a metered
    feature starts over. ``cause`` is why the source gives it from ``starts_at`` on.
    """

    customer_id: str
    subject_id: str | None
    feature: str
    value: Value
    source: Source
    starts_at: datetime
    ends_at: datetime | None
    window: WindowRule | None
    cause: str
    effect: Effect = Effect.SET
    paused: bool = False
    blocked_by: tuple[str, ...] = ()

    @property
    def is_withheld(self) -> bool:
        return self.paused or bool(self.blocked_by)

    @property
    def owner_id(self) -> str:
        return self.subject_id or self.customer_id

    def is_in_effect(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)

    def has_ended(self, at: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= at


def of_spans(
    spans: Iterable[Span], terms: Mapping[str, Terms], zones: Mapping[str, str]
) -> list[Fact]:
    """Return what subscriptions give; the spans of each are in order. ``zones`` are the customers'
    own time zones.

    What goes on giving the same is told once, whatever else happened: a payment that failed, say.
    """
    return [
        fact for span in _joined(spans) for fact in _of_span(span, terms, zones[span.customer_id])
    ]


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in spans:
        if found and _goes_on(found[-1], span):
            found[-1] = replace(found[-1], end=span.end)
        else:
            found.append(span)
    return found


def _goes_on(before: Span, after: Span) -> bool:
    same = replace(
        after, start=before.start, end=before.end, period=before.period, cause=before.cause
    )
    return before.end == after.start and same == before


def _of_span(span: Span, terms: Mapping[str, Terms], customer_zone: str) -> list[Fact]:
    plan = Source(
        type=PLAN,
        id=span.subscription_id,
        product=span.product_key,
        plan=span.plan_key,
        plan_version=span.plan_version_id,
    )
    given = [(source, each, span.quantity) for source, each in _of_plan(plan, span, terms)]
    for held in span.add_ons:
        add_on = _add_on(plan, held)
        given += [(add_on, each, held.quantity) for each in held.terms.features.values()]
    return [_fact(span, source, each, quantity, customer_zone) for source, each, quantity in given]


def _of_plan(
    plan: Source, span: Span, terms: Mapping[str, Terms]
) -> Iterable[tuple[Source, ValueTerms]]:
    """Return what the base plan gives: by its version or, where limits are kept, by that of the
    versions that gives most; of equals by the present one, then by the one held first."""
    found = {key: (plan, each) for key, each in terms[span.plan_version_id].features.items()}
    for version_id in span.limits_of:
        for key, kept in terms[version_id].features.items():
            if kept.feature.type in LIMITS and _is_more(kept, found.get(key), span.quantity):
                found[key] = replace(plan, kept_from=version_id), kept
    return found.values()


def _is_more(kept: ValueTerms, given: tuple[Source, ValueTerms] | None, quantity: int) -> bool:
    """An allowance with another window or overage is neither more nor less."""
    if given is None:
        return True
    before, after = (values.at_quantity(each.value, quantity) for each in (given[1], kept))
    return values.compare(before, after) == Comparison.MORE


def _add_on(plan: Source, held: AddOnHeld) -> Source:
    return replace(
        plan,
        type=ADD_ON,
        id=f"{plan.id}:{held.key}",
        subscription=plan.id,
        add_on=held.key,
        add_on_version=held.terms.version_id,
    )


def _fact(span: Span, source: Source, given: ValueTerms, quantity: int, customer_zone: str) -> Fact:
    value = values.at_quantity(given.value, quantity)
    return Fact(
        customer_id=span.customer_id,
        subject_id=span.subject_id,
        feature=given.feature.key,
        value=value,
        source=source,
        starts_at=span.start,
        ends_at=span.end,
        window=_window_rule(value, span, customer_zone),
        cause=span.cause,
        effect=given.effect,
        paused=span.is_paused,
    )


def _window_rule(value: Value, span: Span, customer_zone: str) -> WindowRule | None:
    if not isinstance(value, Metered):
        return None
    zone = customer_zone if value.zone == "customer" else value.zone or span.cycle.zone
    return window_rule(
        value.reset, interval=span.interval, cycle=span.cycle, period=span.period, zone=zone
    )


def in_order(facts: Iterable[Fact]) -> Sequence[Fact]:
    """Put facts into the one order in which they are combined, however they were given.

    The oldest source comes first: identifiers begin with their time. When a fact begins does not
    matter, so that splitting what a source gives changes nothing.
    """
    return sorted(facts, key=lambda fact: fact.source.id)
