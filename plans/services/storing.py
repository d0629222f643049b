"""Write what a catalog plan says, in the order in which things refer to each other."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Max

from plans.document.difference import CatalogPlan, LineAction, LineChange, ObjectChange
from plans.document.prices import CONTRACT
from plans.models import (
    AddOn,
    AddOnPlan,
    AddOnVersion,
    Coupon,
    Currency,
    Feature,
    FeatureValue,
    Meter,
    Plan,
    PlanVersion,
    PlanVersionCustomer,
    Price,
    Product,
    ProductFeature,
    ProductService,
    VersionStatus,
)
from plans.terms import CouponDuration, DowngradePolicy, Effect

_PRICE_COLUMNS = ("model", "interval", "due", "meter")
Form = Mapping[str, Any]
V = TypeVar("V", PlanVersion, AddOnVersion)


class Store:
    """One application of a document. Identifiers are read once, as they are needed."""

    def __init__(self, *, at: datetime) -> None:
        self._at = at
        self._ids: dict[type[Any], dict[str, str]] = {}

    def define(self, plan: CatalogPlan) -> None:
        """Create and update everything that has no versions, and what versions belong to."""
        changes = (*plan.create, *plan.update)
        for section, write in self._writers().items():
            for change in changes:
                if change.section == section:
                    write(change)

    def set_landings(self, plan: CatalogPlan) -> None:
        """Say where subscriptions of a product begin and fall back to; their plans exist by now."""
        for change in (*plan.create, *plan.update):
            if change.section == "products":
                default, fallback = change.wanted["default_plan"], change.wanted["fallback_plan"]
                Product.objects.filter(key=change.key).update(
                    default_plan_id=self._id_or_none(Plan, default),
                    fallback_plan_id=self._id_or_none(Plan, fallback),
                )

    def write_versions(self, plan: CatalogPlan) -> tuple[list[PlanVersion], list[AddOnVersion]]:
        """Write drafts; return those to be published."""
        plans, add_ons = [], []
        for change in plan.lines:
            if change.section == "plans":
                version = self._write_plan_version(change)
                plans += [version] if change.publish else []
            else:
                other = self._write_add_on_version(change)
                add_ons += [other] if change.publish else []
        return plans, add_ons

    def _writers(self) -> Mapping[str, Callable[[ObjectChange], None]]:
        return {
            "currencies": lambda change: _create(Currency, code=change.key),
            "product_services": lambda change: _put_as_is(ProductService, change),
            "meters": lambda change: _put_as_is(Meter, change),
            "features": self._put_feature,
            "products": self._put_product,
            "plans": self._put_plan,
            "add_ons": self._put_add_on,
            "coupons": self._put_coupon,
        }

    def _put_feature(self, change: ObjectChange) -> None:
        wanted = dict(change.wanted)
        downgrade = wanted.pop("downgrade")
        days = downgrade["keep_until_days"] if isinstance(downgrade, dict) else None
        policy = DowngradePolicy.KEEP_UNTIL if days else downgrade
        service, meter = wanted.pop("product_service"), wanted.pop("meter")
        fields = {
            **wanted,
            "product_service_id": self._id(ProductService, service),
            "meter_id": self._id_or_none(Meter, meter),
            "fed_by": wanted["fed_by"] or "",
            "downgrade_policy": str(policy),
            "downgrade_days": days,
        }
        _put(Feature, change, fields)

    def _put_product(self, change: ObjectChange) -> None:
        wanted = dict(change.wanted)
        features = wanted.pop("features")
        for later in ("default_plan", "fallback_plan"):
            del wanted[later]
        row_id = _put(Product, change, self._archivable(wanted, change))
        if not change.changes or any(each.field == "features" for each in change.changes):
            ProductFeature.objects.filter(product=row_id).delete()
            ProductFeature.objects.bulk_create(
                ProductFeature(
                    product_id=row_id, feature_id=self._id(Feature, key), position=position
                )
                for position, key in enumerate(features)
            )

    def _put_plan(self, change: ObjectChange) -> None:
        wanted = dict(change.wanted)
        product_id = self._id(Product, wanted.pop("product"))
        fields = {**self._archivable(wanted, change), "product_id": product_id}
        _put(Plan, change, fields)
        for each in change.changes:
            parts = each.field.split("/")
            if parts[0] == "private_versions":
                self._set_customers(change.key, "/".join(parts[1:-1]), each.after)

    def _put_add_on(self, change: ObjectChange) -> None:
        wanted = dict(change.wanted)
        available, included = wanted.pop("available_for"), wanted.pop("included_in")
        row_id = _put(AddOn, change, self._archivable(wanted, change))
        AddOnPlan.objects.filter(add_on=row_id).delete()
        AddOnPlan.objects.bulk_create(
            AddOnPlan(add_on_id=row_id, plan_id=self._id(Plan, key), included=key in included)
            for key in (*available, *included)
        )

    def _put_coupon(self, change: ObjectChange) -> None:
        wanted = dict(change.wanted)
        duration, percent = wanted.pop("duration"), wanted.pop("percent_off")
        months = duration["months"] if isinstance(duration, dict) else None
        fields = {
            **self._archivable(wanted, change),
            "percent_off": None if percent is None else Decimal(percent),
            "duration": str(CouponDuration.MONTHS if months else duration),
            "months": months,
        }
        _put(Coupon, change, fields)

    def _archivable(self, wanted: dict[str, Any], change: ObjectChange) -> dict[str, Any]:
        """Turn the flag into the instant; an object that stays archived keeps its own."""
        archived = wanted.pop("archived")
        if change.changes and all(each.field != "archived" for each in change.changes):
            return wanted
        return {**wanted, "archived_at": self._at if archived else None}

    def _write_plan_version(self, change: LineChange) -> PlanVersion:
        terms = change.wanted["terms"]
        fields = {**_offer_columns(change), **_plan_columns(terms), "private_key": change.line}
        version = self._draft(PlanVersion, change, fields, plan_id=self._id(Plan, change.key))
        if change.action != LineAction.NONE:
            if change.line:
                self._set_customers(change.key, change.line, change.wanted["customers"])
            self._write_parts({"plan_version_id": version.id}, terms, _plan_values(terms))
        return version

    def _write_add_on_version(self, change: LineChange) -> AddOnVersion:
        terms, fields = change.wanted["terms"], _offer_columns(change)
        version = self._draft(AddOnVersion, change, fields, add_on_id=self._id(AddOn, change.key))
        if change.action != LineAction.NONE:
            self._write_parts({"add_on_version_id": version.id}, terms, _add_on_values(terms))
        return version

    def _draft(self, model: type[V], change: LineChange, fields: Form, **owner: str) -> V:
        """Return the line's draft: the open one, brought in line if its terms change, or a new
        one."""
        if change.draft is None:
            return model.objects.create(
                **owner,
                number=_next_number(model.objects.filter(**owner)),
                status=VersionStatus.DRAFT,
                created_at=self._at,
                **fields,
            )
        row = model.objects.filter(pk=change.draft.id)
        if change.action == LineAction.REWRITE:
            row.update(**fields)
        return row.get()

    def _write_parts(
        self, version: Mapping[str, str], terms: Form, values: Sequence[tuple[str, str, Any]]
    ) -> None:
        """Replace a draft's prices and values."""
        Price.objects.filter(**version).delete()
        FeatureValue.objects.filter(**version).delete()
        Price.objects.bulk_create(
            Price(
                **version,
                key=key,
                position=position,
                sold_interval=interval,
                currency=code,
                interval=form["interval"],
                model=form["model"],
                due=form["due"],
                meter_id=self._id_or_none(Meter, form.get("meter")),
                terms={name: each for name, each in form.items() if name not in _PRICE_COLUMNS},
            )
            for position, (interval, code, key, form) in enumerate(_priced(terms["prices"]))
        )
        FeatureValue.objects.bulk_create(
            FeatureValue(**version, feature_id=self._id(Feature, key), effect=effect, value=value)
            for key, effect, value in values
        )

    def _set_customers(self, plan: str, line: str, customers: Sequence[str]) -> None:
        """Name the customers of all of a private line's versions that are not archived."""
        versions = PlanVersion.objects.filter(plan__key=plan, private_key=line).exclude(
            status=VersionStatus.ARCHIVED
        )
        for version in versions:
            PlanVersionCustomer.objects.filter(version=version).delete()
            PlanVersionCustomer.objects.bulk_create(
                PlanVersionCustomer(version=version, customer_id=each) for each in customers
            )

    def _id_or_none(self, model: type[Any], key: str | None) -> str | None:
        return None if key is None else self._id(model, key)

    def _id(self, model: type[Any], key: str) -> str:
        """Return the identifier of an object that exists by now."""
        known = self._ids.setdefault(model, {})
        if key not in known:
            known.update(model.objects.values_list("key", "pk"))
        return known[key]


def _create(model: type[Any], **fields: Any) -> None:
    model.objects.create(**fields)


def _put(model: type[Any], change: ObjectChange, fields: Form) -> str:
    """Create the object, or bring its columns in line; return its identifier."""
    row = model.objects.get(key=change.key) if change.changes else model(key=change.key)
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()
    return str(row.pk)


def _put_as_is(model: type[Any], change: ObjectChange) -> None:
    _put(model, change, change.wanted)


def _next_number(versions: Any) -> int:
    return int(versions.aggregate(last=Max("number"))["last"] or 0) + 1


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _offer_columns(change: LineChange) -> dict[str, Any]:
    """Return the columns that versions of plans and of add-ons both have."""
    terms = change.wanted["terms"]
    quantity = terms["quantity"] or {}
    return {
        "effective_from": _instant(change.wanted["effective_from"]),
        "sold": _sold(terms["prices"]),
        "quantity_min": quantity.get("min"),
        "quantity_max": quantity.get("max"),
        "quantity_default": quantity.get("default"),
    }


def _plan_columns(terms: Form) -> dict[str, Any]:
    trial = terms["trial"] or {}
    return {
        "contract": CONTRACT in terms["prices"].values(),
        "externally_managed": terms["externally_managed"],
        "billing_zone": terms["billing_zone"],
        "pause": terms["pause"],
        "access_while_paused": terms["access_while_paused"],
        "trial_days": trial.get("days"),
        "trial_ends": trial.get("ends", ""),
        "trial_usage": trial.get("usage", ""),
        "trial_scope": trial.get("scope", ""),
    }


def _sold(prices: Form) -> dict[str, list[str]]:
    return {interval: [] if sold == CONTRACT else sorted(sold) for interval, sold in prices.items()}


def _priced(prices: Form) -> list[tuple[str, str, str, Form]]:
    return [
        (interval, code, key, form)
        for interval, sold in prices.items()
        if sold != CONTRACT
        for code, priced in sold.items()
        for key, form in priced.items()
    ]


def _plan_values(terms: Form) -> list[tuple[str, str, Any]]:
    return [(key, Effect.SET.value, value) for key, value in terms["features"].items()]


def _add_on_values(terms: Form) -> list[tuple[str, str, Any]]:
    return [
        (key, effect, value)
        for key, effects in terms["features"].items()
        for effect, value in effects.items()
    ]
