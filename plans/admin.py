"""The catalog in the admin: everything is shown; publishing and archiving are all that is done.

The catalog is changed by applying a document, never by hand.
"""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ReadOnlyAdmin
from plans import services
from plans.models import (
    AddOn,
    AddOnPlan,
    AddOnVersion,
    CatalogRevision,
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
)

_ARCHIVED = ("archived_at", admin.EmptyFieldListFilter)


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    list_display = (
        "key", "name", "scope", "subject_kind", "exclusive", "co_terms", "default_plan",
        "fallback_plan", "archived_at",
    )  # fmt: skip
    list_filter = ("scope", "exclusive", _ARCHIVED)
    id_search_fields = ("id", "default_plan", "fallback_plan")
    search_fields = ("key", "name")


@admin.register(Plan)
class PlanAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "product", "rank", "archived_at")
    list_filter = ("product", _ARCHIVED)
    id_search_fields = ("id", "product")
    search_fields = ("key", "name", "product__key")


@admin.register(PlanVersion)
class PlanVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "plan", "number", "private_key", "status", "effective_from", "published_at",
        "archived_at",
    )  # fmt: skip
    list_filter = ("status", "contract", "externally_managed", "plan__product")
    id_search_fields = ("id", "plan")
    search_fields = ("plan__key", "private_key")
    named_by = ("plan",)
    actions = ("publish", "archive")

    def name_of(self, row: PlanVersion) -> str:
        return f"{row.plan.key} {row.number}"

    @admin.action(description="Publish the drafts")
    def publish(self, request: HttpRequest, rows: QuerySet[PlanVersion]) -> None:
        self.for_each(request, rows, lambda row: services.publish_version(version_id=row.id))

    @admin.action(description="Archive: take off sale; subscribers keep it")
    def archive(self, request: HttpRequest, rows: QuerySet[PlanVersion]) -> None:
        self.for_each(request, rows, lambda row: services.archive_version(version_id=row.id))


@admin.register(PlanVersionCustomer)
class PlanVersionCustomerAdmin(ReadOnlyAdmin):
    list_display = ("version", "customer_id")
    id_search_fields = ("customer_id", "version")
    search_fields = ("version__plan__key", "version__private_key")


@admin.register(Price)
class PriceAdmin(ReadOnlyAdmin):
    list_display = (
        "id", "plan_version", "add_on_version", "sold_interval", "currency", "key", "model",
        "interval", "due", "meter", "terms",
    )  # fmt: skip
    list_filter = ("model", "due", "currency")
    id_search_fields = ("id", "plan_version", "add_on_version", "meter")
    search_fields = ("key", "plan_version__plan__key", "add_on_version__add_on__key")


@admin.register(FeatureValue)
class FeatureValueAdmin(ReadOnlyAdmin):
    list_display = ("feature", "plan_version", "add_on_version", "effect", "value")
    list_filter = ("effect", "feature")
    id_search_fields = ("plan_version", "add_on_version", "feature")
    search_fields = ("feature__key", "plan_version__plan__key", "add_on_version__add_on__key")


@admin.register(Feature)
class FeatureAdmin(ReadOnlyAdmin):
    list_display = (
        "key", "name", "product_service", "type", "unit", "scope", "combine", "downgrade_policy",
        "published_at",
    )  # fmt: skip
    list_filter = ("type", "scope", "product_service", "downgrade_policy")
    id_search_fields = ("id", "product_service", "meter")
    search_fields = ("key", "name", "unit")


@admin.register(ProductFeature)
class ProductFeatureAdmin(ReadOnlyAdmin):
    list_display = ("product", "feature", "position")
    list_filter = ("product",)
    id_search_fields = ("product", "feature")
    search_fields = ("product__key", "feature__key")


@admin.register(Meter)
class MeterAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "event_type", "aggregation", "value_property", "published_at")
    list_filter = ("aggregation",)
    search_fields = ("key", "name", "event_type")


@admin.register(ProductService)
class ProductServiceAdmin(ReadOnlyAdmin):
    list_display = ("key", "name")
    search_fields = ("key", "name")


@admin.register(AddOn)
class AddOnAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "archived_at")
    list_filter = (_ARCHIVED,)
    search_fields = ("key", "name")


@admin.register(AddOnVersion)
class AddOnVersionAdmin(ReadOnlyAdmin):
    list_display = ("id", "add_on", "number", "status", "effective_from", "published_at")
    list_filter = ("status",)
    id_search_fields = ("id", "add_on")
    search_fields = ("add_on__key",)
    named_by = ("add_on",)

    def name_of(self, row: AddOnVersion) -> str:
        return f"{row.add_on.key} {row.number}"


@admin.register(AddOnPlan)
class AddOnPlanAdmin(ReadOnlyAdmin):
    list_display = ("add_on", "plan", "included")
    list_filter = ("included",)
    id_search_fields = ("add_on", "plan")
    search_fields = ("add_on__key", "plan__key")


@admin.register(Coupon)
class CouponAdmin(ReadOnlyAdmin):
    list_display = (
        "key", "name", "percent_off", "amounts_off", "duration", "months", "priority",
        "archived_at",
    )  # fmt: skip
    list_filter = ("duration", _ARCHIVED)
    search_fields = ("key", "name")


@admin.register(Currency)
class CurrencyAdmin(ReadOnlyAdmin):
    list_display = ("code",)
    id_search_fields = ()
    search_fields = ("code",)


@admin.register(CatalogRevision)
class CatalogRevisionAdmin(ReadOnlyAdmin):
    list_display = ("token",)
    id_search_fields = ()
