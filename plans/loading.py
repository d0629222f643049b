"""From rows to terms: a fixed number of queries, whatever the number of versions."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from django.db.models import QuerySet

from core.periods import Interval, Length
from plans import values
from plans.change_rules import (
    AnchorRule,
    CancelPolicy,
    ChangeRule,
    EndTiming,
    Proration,
    RankChange,
    Settlement,
    Timing,
)
from plans.models import (
    AddOnPlan,
    AddOnVersion,
    Feature,
    FeatureValue,
    PlanVersion,
    Price,
    Product,
)
from plans.price_forms import price_terms
from plans.terms import (
    ONE_ONLY,
    AddOnTerms,
    Downgrade,
    DowngradePolicy,
    Effect,
    FeatureTerms,
    PauseMode,
    PriceTerms,
    ProductTerms,
    QuantityTerms,
    Scope,
    Terms,
    TrialEnd,
    TrialTerms,
    TrialUsage,
    ValueTerms,
)


def load_features() -> dict[str, FeatureTerms]:
    """Return all features by key, in the order of their keys."""
    rows = Feature.objects.select_related("product_service", "meter").order_by("key")
    return {row.key: feature_terms(row) for row in rows}


def load_terms(version_ids: Sequence[str]) -> dict[str, Terms]:
    """Return the terms of plan versions in three queries; unknown identifiers are left out."""
    prices = _prices(Price.objects.filter(plan_version__in=version_ids))
    given = _values(FeatureValue.objects.filter(plan_version__in=version_ids))
    rows = PlanVersion.objects.select_related("plan__product").filter(pk__in=version_ids)
    return {row.id: _terms(row, tuple(prices[row.id]), given[row.id]) for row in rows}


def load_add_on_terms(version_ids: Sequence[str]) -> dict[str, AddOnTerms]:
    """Return the terms of add-on versions in four queries; unknown identifiers are left out."""
    prices = _prices(Price.objects.filter(add_on_version__in=version_ids))
    given = _values(FeatureValue.objects.filter(add_on_version__in=version_ids))
    rows = AddOnVersion.objects.select_related("add_on").filter(pk__in=version_ids)
    links = AddOnPlan.objects.filter(add_on__versions__in=version_ids).distinct()
    plans: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for add_on_id, plan_id, included in links.values_list("add_on_id", "plan_id", "included"):
        plans[add_on_id, included].add(plan_id)
    return {
        row.id: AddOnTerms(
            sold=sold(row.sold),
            prices=tuple(prices[row.id]),
            version_id=row.id,
            version=row.number,
            status=row.status,
            add_on_id=row.add_on_id,
            add_on_key=row.add_on.key,
            add_on_name=row.add_on.name,
            available_for=frozenset(plans[row.add_on_id, False]),
            included_in=frozenset(plans[row.add_on_id, True]),
            features=given[row.id],
            quantity=_quantity(
                row, prices[row.id], [each.value for each in given[row.id].values()]
            ),
        )
        for row in rows
    }


def feature_terms(row: Feature) -> FeatureTerms:
    return FeatureTerms(
        id=row.id,
        key=row.key,
        name=row.name,
        type=row.type,
        unit=row.unit,
        scope=row.scope,
        combine=row.combine,
        product_service=row.product_service.key,
        downgrade=Downgrade(DowngradePolicy(row.downgrade_policy), row.downgrade_days),
        meter=row.meter.key if row.meter else None,
        fed_by=row.fed_by or None,
    )


def product_terms(row: Product) -> ProductTerms:
    return ProductTerms(
        id=row.id,
        key=row.key,
        name=row.name,
        scope=Scope(row.scope),
        subject_kind=row.subject_kind,
        exclusive=row.exclusive,
        co_terms=row.co_terms,
        default_plan_id=row.default_plan_id,
        fallback_plan_id=row.fallback_plan_id,
        change_rules=tuple(change_rule(fields) for fields in row.change_rules),
        cancel=cancel_policy(row),
    )


def cancel_policy(row: Product) -> CancelPolicy:
    """Return what canceling means for a product; what it leaves open has its default."""
    default = CancelPolicy()
    return CancelPolicy(
        access_end=EndTiming(row.cancel.get("access_end", default.access_end)),
        billing_end=EndTiming(row.cancel.get("billing_end", default.billing_end)),
        settlement=Settlement(row.cancel.get("settlement", default.settlement)),
    )


def change_rule(fields: dict[str, Any]) -> ChangeRule:
    """Read a rule as the catalog document writes it: conditions under ``when``, then answers."""
    when = fields.get("when", {})
    return ChangeRule(
        name=fields["name"],
        timing=Timing(fields["timing"]),
        rank=RankChange(when["rank"]) if "rank" in when else None,
        interval=Length(when["interval"]) if "interval" in when else None,
        free_to_paid=when.get("free_to_paid"),
        anchor=AnchorRule(fields["anchor"]) if "anchor" in fields else None,
        proration=Proration(fields["proration"]) if "proration" in fields else None,
        settlement=Settlement(fields["settlement"]) if "settlement" in fields else None,
    )


def read_price(row: Price) -> PriceTerms:
    return price_terms(
        id=row.id,
        key=row.key,
        sold_interval=row.sold_interval,
        currency=row.currency,
        interval=row.interval,
        model=row.model,
        due=row.due,
        meter=row.meter.key if row.meter else None,
        fields=row.terms,
    )


def _prices(rows: QuerySet[Price]) -> dict[str, list[PriceTerms]]:
    found: dict[str, list[PriceTerms]] = defaultdict(list)
    for row in rows.select_related("meter"):
        found[str(row.plan_version_id or row.add_on_version_id)].append(read_price(row))
    return found


def _values(rows: QuerySet[FeatureValue]) -> dict[str, dict[str, ValueTerms]]:
    found: dict[str, dict[str, ValueTerms]] = defaultdict(dict)
    rows = rows.select_related("feature__product_service", "feature__meter")
    for row in rows.order_by("feature__key"):
        feature = feature_terms(row.feature)
        version_id = str(row.plan_version_id or row.add_on_version_id)
        found[version_id][feature.key] = ValueTerms(
            feature, values.parse(feature.type, row.value), Effect(row.effect)
        )
    return found


def _terms(
    row: PlanVersion,
    prices: tuple[PriceTerms, ...],
    features: dict[str, ValueTerms],
) -> Terms:
    given = [each.value for each in features.values()]
    return Terms(
        version_id=row.id,
        version=row.number,
        status=row.status,
        plan_id=row.plan_id,
        plan_key=row.plan.key,
        plan_name=row.plan.name,
        rank=row.plan.rank,
        product=product_terms(row.plan.product),
        sold=sold(row.sold),
        prices=prices,
        features=features,
        billing_zone=row.billing_zone,
        trial=_trial(row),
        contract=row.contract,
        externally_managed=row.externally_managed,
        pause=PauseMode(row.pause),
        access_while_paused=row.access_while_paused,
        quantity=_quantity(row, prices, given),
        private=row.is_private,
    )


def sold(stored: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the currencies by interval, the shortest interval first; the database keeps none."""
    return {
        interval: tuple(stored[interval]) for interval in sorted(stored, key=cmp_to_key(_shorter))
    }


def _shorter(one: str, other: str) -> int:
    length = Interval.parse(one).compared_with(Interval.parse(other))
    return {Length.SHORTER: -1, Length.SAME: 0, Length.LONGER: 1}[length]


def _trial(row: PlanVersion) -> TrialTerms | None:
    if row.trial_days is None:
        return None
    return TrialTerms(
        days=row.trial_days,
        ends=TrialEnd(row.trial_ends),
        usage=TrialUsage(row.trial_usage),
        scope=Scope(row.trial_scope),
    )


def quantity(row: PlanVersion | AddOnVersion) -> QuantityTerms:
    """Return how many units may be had of a row whose prices and values are loaded."""
    prices, given = _shown_parts(row)
    return _quantity(row, prices, given)


def _shown_parts(
    row: PlanVersion | AddOnVersion,
) -> tuple[list[PriceTerms], list[values.Value]]:
    prices = [read_price(price) for price in row.prices.all()]
    return prices, [values.parse(each.feature.type, each.value) for each in row.values.all()]


def _quantity(
    row: PlanVersion | AddOnVersion, prices: Iterable[PriceTerms], given: Iterable[values.Value]
) -> QuantityTerms:
    if not _counts_units(prices, given):
        return ONE_ONLY
    if row.quantity_min is None or row.quantity_default is None:
        return QuantityTerms()
    return QuantityTerms(row.quantity_min, row.quantity_max, row.quantity_default)


def _counts_units(prices: Iterable[PriceTerms], given: Iterable[values.Value]) -> bool:
    """Tell whether a price or a value depends on the quantity."""
    return any(price.is_per_seat for price in prices) or any(
        values.is_per_unit(each) for each in given
    )
