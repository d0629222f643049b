"""Plain values to test pure rules with: features, facts and instants that are easy to read."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from entitlements.facts import Fact, Source
from entitlements.overrides import Given, Mode, fact_of
from entitlements.windows import WindowRule
from plans import values
from plans.terms import Downgrade, DowngradePolicy, Effect, FeatureTerms
from plans.values import COMBINES, Combine, FeatureType, Value

CUSTOMER = "cus_01jd3vq6n0e6rt1c7h9a2b4c5d"
SUBJECT = "sbj_01jd3vq6n0e6rt1c7h9a2b4c5e"


def at(text: str) -> datetime:
    """Read ``2025-03-01`` or ``2025-03-01 09:30``, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def feature(
    type: str = "limit", *, key: str = "rules", combine: str | None = None, scope: str = "subject"
) -> FeatureTerms:
    return FeatureTerms(
        id="ftr_01jd3vq6n0e6rt1c7h9a2b4c5h",
        key=key,
        name="custom rules",
        type=FeatureType(type),
        unit="rule",
        scope=scope,
        combine=Combine(combine) if combine else COMBINES[type][0],
        product_service="edge",
        downgrade=Downgrade(DowngradePolicy.TRIM),
    )


def source(plan: str, *, number: int = 1, version: str = "1") -> Source:
    """A plan that comes through the ``number``-th oldest subscription."""
    return Source(
        type="plan",
        id=f"sub_01jd3vq6n0e6rt1c7h9a2b4c{number:02d}",
        product="zones",
        plan=plan,
        plan_version=f"{plan} {version}",
    )


def fact(
    value: Any,
    start: str = "2025-01-01",
    end: str | None = None,
    *,
    of: FeatureTerms | None = None,
    plan: str = "pro",
    number: int = 1,
    subject: str | None = SUBJECT,
    window: WindowRule | None = None,
    cause: str = "subscribed",
) -> Fact:
    of = of or feature()
    return Fact(
        customer_id=CUSTOMER,
        subject_id=subject,
        feature=of.key,
        value=value if isinstance(value, _PARSED) else values.parse(of.type, value),
        source=source(plan, number=number),
        starts_at=at(start),
        ends_at=None if end is None else at(end),
        window=window,
        cause=cause,
    )


def add_on(
    value: Any,
    effect: str = "add",
    start: str = "2025-01-01",
    end: str | None = None,
    *,
    of: FeatureTerms | None = None,
    key: str = "extra",
    number: int = 1,
) -> Fact:
    """What an add-on does to a value; it belongs to the ``number``-th oldest subscription."""
    base = fact(value, start, end, of=of, number=number)
    own = replace(
        base.source,
        type="add_on",
        id=f"itm_01jd3vq6n0e6rt1c7h9a2b4c{number:02d}_{key}",
        subscription=base.source.id,
        add_on=key,
        add_on_version=f"{key} 1",
    )
    return replace(base, source=own, effect=Effect(effect))


def kept(
    value: Any, start: str = "2025-01-01", end: str | None = None, *, of: FeatureTerms | None = None
) -> Fact:
    """What a downgrade from Business leaves."""
    left = fact(value, start, end, of=of, plan="business")
    return replace(left, source=replace(left.source, type="kept", id="kep_1"))


def override(
    value: Any,
    mode: str = "at_least",
    start: str = "2025-01-01",
    end: str | None = None,
    *,
    of: FeatureTerms | None = None,
    number: int = 1,
    zone: str = "UTC",
) -> Fact:
    """What somebody gave beside all that is sold."""
    of = of or feature()
    given = Given(
        id=f"ovr_01jd3vq6n0e6rt1c7h9a2b4c{number:02d}",
        customer_id=CUSTOMER,
        subject_id=SUBJECT,
        feature=of.key,
        mode=Mode(mode),
        value=values.parse(of.type, value),
        starts_at=at(start),
        ends_at=None if end is None else at(end),
    )
    return fact_of(given, zone=zone)


_PARSED = (Decimal, values.Metered, values.NumberSet, values.Range, values.Config, values.Unlimited)


def limit(number: int) -> Value:
    return Decimal(number)
