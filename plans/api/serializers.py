"""The shapes of the catalog at the API."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from core.api.fields import Instant, JsonObject, Text
from core.api.serializers import Input, Output
from core.principals import Scope
from plans import loading, snapshot
from plans.models import (
    AddOn,
    AddOnVersion,
    Coupon,
    Feature,
    FeatureValue,
    PlanVersion,
    Price,
    Product,
)

MAX_DOCUMENT_BYTES = 1024 * 1024


class FeatureOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    product_service = serializers.CharField(source="product_service.key")
    type = serializers.CharField(help_text="What its values look like.")
    unit = serializers.CharField()
    scope = serializers.CharField(help_text="Who has it: customer or subject.")
    combine = serializers.CharField(help_text="How the values of several plans become one.")
    meter = serializers.SerializerMethodField()
    fed_by = serializers.SerializerMethodField(help_text="How use of a metered feature arrives.")
    downgrade = serializers.SerializerMethodField(
        help_text="What happens when a downgrade leaves less than is in use."
    )
    list_prices = JsonObject(help_text="Worth of one unit for a month, by currency.")

    def get_meter(self, row: Feature) -> str | None:
        return row.meter.key if row.meter else None

    def get_fed_by(self, row: Feature) -> str | None:
        return row.fed_by or None

    def get_downgrade(self, row: Feature) -> dict[str, Any]:
        return {"policy": row.downgrade_policy, "days": row.downgrade_days}


class MeterOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    event_type = serializers.CharField()
    aggregation = serializers.CharField()
    value_property = serializers.CharField(help_text="Empty where events are only counted.")
    filters = JsonObject(help_text="Accepted values, by property of the event.")
    group_by = serializers.ListField(child=serializers.CharField())


class ProductOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    scope = serializers.CharField()
    subject_kind = serializers.CharField(help_text="Only subjects of this kind; empty: any.")
    exclusive = serializers.BooleanField(help_text="At most one live plan per owner.")
    co_terms = serializers.BooleanField(help_text="Monthly prices share one date per customer.")
    features = serializers.SerializerMethodField()
    default_plan = serializers.SerializerMethodField(help_text="What owners begin on.")
    fallback_plan = serializers.SerializerMethodField(help_text="Instead of ending; null: it ends.")
    change_rules = serializers.ListField(child=JsonObject())
    cancel = serializers.SerializerMethodField(
        help_text="When access and billing end, and what becomes of the rest, without a word."
    )
    archived_at = Instant(allow_null=True)

    def get_features(self, row: Product) -> list[str]:
        return [link.feature.key for link in row.feature_links.all()]

    def get_default_plan(self, row: Product) -> str | None:
        return row.default_plan.key if row.default_plan else None

    def get_fallback_plan(self, row: Product) -> str | None:
        return row.fallback_plan.key if row.fallback_plan else None

    def get_cancel(self, row: Product) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(loading.cancel_policy(row)).items()}


class PlanOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    product = serializers.CharField(source="product.key")
    rank = serializers.IntegerField(help_text="Higher is an upgrade, within the product.")
    archived_at = Instant(allow_null=True)


class PriceOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    sold_interval = serializers.CharField(help_text="The interval it is sold with.")
    currency = serializers.CharField()
    interval = serializers.CharField(help_text="How often it is charged.")
    model = serializers.CharField()
    due = serializers.CharField(help_text="advance or arrears")
    meter = serializers.SerializerMethodField()
    terms = JsonObject(help_text="Amounts in major units, tiers, conversion, bounds.")

    def get_meter(self, row: Price) -> str | None:
        return row.meter.key if row.meter else None


class PlanVersionOut(Output):
    id = serializers.CharField()
    plan = serializers.CharField(source="plan.key")
    number = serializers.IntegerField()
    status = serializers.CharField()
    private = serializers.BooleanField(source="is_private")
    customers = serializers.SerializerMethodField(
        help_text="Whom a private version is for; only shown to who may write the catalog."
    )
    effective_from = Instant(allow_null=True, help_text="Null: since always.")
    created_at = Instant()
    published_at = Instant(allow_null=True)
    archived_at = Instant(allow_null=True)
    sold = serializers.SerializerMethodField(
        help_text="Currencies by interval; an empty list stands for every currency."
    )
    contract = serializers.BooleanField(help_text="What it costs, a contract says.")
    externally_managed = serializers.BooleanField()
    prices = PriceOut(many=True)
    features = serializers.SerializerMethodField(help_text="Values by feature.")
    billing_zone = serializers.CharField()
    trial = serializers.SerializerMethodField()
    quantity = serializers.SerializerMethodField(
        help_text="How many units may be had; `max` null: without bound."
    )
    pause = serializers.CharField(
        help_text="What a pause does: credit the rest of the period, or extend it."
    )
    access_while_paused = serializers.BooleanField()

    def get_customers(self, row: PlanVersion) -> list[str]:
        if not self.context["request"].principal.may(Scope.CATALOG_WRITE):
            return []
        return sorted(each.customer_id for each in row.customers.all())

    def get_sold(self, row: PlanVersion) -> dict[str, list[str]]:
        return {interval: list(codes) for interval, codes in loading.sold(row.sold).items()}

    def get_features(self, row: PlanVersion) -> dict[str, Any]:
        return {given.feature.key: given.value for given in _ordered(row)}

    def get_trial(self, row: PlanVersion) -> dict[str, Any] | None:
        return snapshot.trial_form(row)

    def get_quantity(self, row: PlanVersion) -> dict[str, int | None]:
        return _quantity(row)


class AddOnVersionOut(Output):
    id = serializers.CharField()
    number = serializers.IntegerField()
    status = serializers.CharField()
    effective_from = Instant(allow_null=True)
    published_at = Instant(allow_null=True)
    sold = serializers.SerializerMethodField()
    prices = PriceOut(many=True)
    features = serializers.SerializerMethodField(
        help_text="By feature what is added, or put in its place."
    )
    quantity = serializers.SerializerMethodField(
        help_text="How many of it may be had; `max` null: without bound."
    )

    def get_sold(self, row: AddOnVersion) -> dict[str, list[str]]:
        return {interval: list(codes) for interval, codes in loading.sold(row.sold).items()}

    def get_features(self, row: AddOnVersion) -> dict[str, Any]:
        return {given.feature.key: {given.effect: given.value} for given in _ordered(row)}

    def get_quantity(self, row: AddOnVersion) -> dict[str, int | None]:
        return _quantity(row)


class AddOnOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    available_for = serializers.SerializerMethodField(help_text="Plans it can be had with.")
    included_in = serializers.SerializerMethodField(help_text="Plans that include it.")
    versions = AddOnVersionOut(
        many=True, source="published_versions", help_text="Published ones, newest first."
    )
    archived_at = Instant(allow_null=True)

    def get_available_for(self, row: AddOn) -> list[str]:
        return sorted(link.plan.key for link in row.plan_links.all() if not link.included)

    def get_included_in(self, row: AddOn) -> list[str]:
        return sorted(link.plan.key for link in row.plan_links.all() if link.included)


class CouponOut(Output):
    id = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    percent_off = serializers.SerializerMethodField()
    amounts_off = JsonObject(help_text="Decimals in major units, by currency.")
    duration = serializers.CharField()
    months = serializers.IntegerField(allow_null=True)
    priority = serializers.IntegerField(help_text="Lower is taken first.")
    archived_at = Instant(allow_null=True)

    def get_percent_off(self, row: Coupon) -> str | None:
        return None if row.percent_off is None else f"{row.percent_off.normalize():f}"


class _Section(JsonObject):
    """Objects by key. What is in them is checked as a whole, with every error in one answer."""

    def __init__(self, help_text: str) -> None:
        super().__init__(required=False, max_bytes=MAX_DOCUMENT_BYTES, help_text=help_text)


class CatalogIn(Input):
    currencies = serializers.ListField(
        child=Text(max_length=3), required=False, help_text="What this install sells in."
    )
    product_services = _Section("Systems that carry out features, by key.")
    meters = _Section("How events become quantities, by key.")
    features = _Section("What customers or subjects may have, by key.")
    products = _Section("What is sold, by key.")
    plans = _Section("The rungs of products and the terms they are sold on, by key.")
    add_ons = _Section("What can be had on top of plans, by key.")
    coupons = _Section("Discounts, by key.")


class CatalogOut(Output):
    currencies = serializers.ListField(child=serializers.CharField())
    product_services = JsonObject()
    meters = JsonObject()
    features = JsonObject()
    products = JsonObject()
    plans = JsonObject()
    add_ons = JsonObject()
    coupons = JsonObject()


class FieldChangeOut(Output):
    pointer = serializers.CharField()
    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()


class NewVersionOut(Output):
    pointer = serializers.CharField()
    publish = serializers.BooleanField()


class CatalogErrorOut(Output):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class CatalogPlanOut(Output):
    """What a document does to the catalog, or did.

    Three fields have the names of a serializer's methods; its metaclass keeps the two apart.
    """

    create = serializers.ListField(  # type: ignore[assignment]  # a field
        child=serializers.CharField(), help_text="Pointers of objects that are new."
    )
    update = FieldChangeOut(  # type: ignore[assignment]  # a field
        many=True, help_text="Fields that change, drafts included."
    )
    new_version = NewVersionOut(many=True, help_text="Plans and add-ons that get one.")
    unchanged = serializers.ListField(child=serializers.CharField())
    unmanaged = serializers.ListField(
        child=serializers.CharField(), help_text="Objects that the document does not name."
    )
    errors = CatalogErrorOut(many=True)  # type: ignore[assignment]  # a field


def _quantity(row: PlanVersion | AddOnVersion) -> dict[str, int | None]:
    terms = loading.quantity(row)
    return {"min": terms.minimum, "max": terms.maximum, "default": terms.default}


def _ordered(row: PlanVersion | AddOnVersion) -> list[FeatureValue]:
    return sorted(row.values.all(), key=lambda given: given.feature.key)
