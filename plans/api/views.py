"""The catalog, object by object."""

from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Principal, Scope
from plans import queries, services
from plans.api import examples
from plans.api.serializers import (
    AddOnOut,
    CouponOut,
    FeatureOut,
    MeterOut,
    PlanOut,
    PlanVersionOut,
    ProductOut,
)
from plans.errors import (
    AddOnNotFound,
    CouponNotFound,
    FeatureNotFound,
    MeterNotFound,
    PlanNotFound,
    PlanVersionNotFound,
    ProductNotFound,
    VersionInUse,
    VersionNotDraft,
    VersionNotPublished,
)
from plans.models import (
    AddOn,
    AddOnVersion,
    Coupon,
    Feature,
    Meter,
    Plan,
    PlanVersion,
    Product,
    VersionStatus,
)
from plans.services import VersionNotPublishable
from plans.terms import Scope as Owner
from plans.values import FeatureType

TAG = "catalog"
_READ = {"GET": Scope.CATALOG_READ}
_WRITE = {"POST": Scope.CATALOG_WRITE}


def _features(principal: Principal) -> QuerySet[Feature]:
    """A caller that serves one product service sees the features of that service."""
    rows = Feature.objects.select_related("product_service", "meter")
    if principal.product_service is None:
        return rows
    return rows.filter(product_service__key=principal.product_service)


def _products() -> QuerySet[Product]:
    rows = Product.objects.select_related("default_plan", "fallback_plan")
    return rows.prefetch_related("feature_links__feature")


def _add_ons() -> QuerySet[AddOn]:
    published = (
        AddOnVersion.objects.published()
        .order_by("-number")
        .prefetch_related("prices__meter", "values__feature")
    )
    return AddOn.objects.prefetch_related(
        "plan_links__plan", Prefetch("versions", published, to_attr="published_versions")
    )


def _plan(reference: str) -> Plan:
    rows = Plan.objects.select_related("product")
    return find(rows, reference, prefix="pln", missing=PlanNotFound, principal=None)


def _versions(plan: Plan, principal: Principal) -> QuerySet[PlanVersion]:
    """Who may write the catalog sees every version; others what is or was on sale to them."""
    rows = queries.versions().filter(plan=plan)
    if principal.may(Scope.CATALOG_WRITE) and principal.customer_id is None:
        return rows
    mine = Q(private_key="")
    if principal.customer_id is not None:
        named = queries.private_versions(principal.customer_id)
        mine |= Q(pk__in=named)
    return rows.exclude(status=VersionStatus.DRAFT).filter(mine)


def _version(plan: Plan, reference: str, principal: Principal) -> PlanVersion:
    return find(
        _versions(plan, principal),
        reference,
        prefix="plv",
        missing=PlanVersionNotFound,
        principal=None,
        key_field=None,
    )


class FeatureFilters(Filters):
    product_service = Filter.key("product_service__key", "Features of this product service.")
    type = Filter.choice(FeatureType, "type", "Features with values of this type.")
    scope = Filter.choice(Owner, "scope", "Features that customers, or subjects, have.")


class Features(ApiView):
    scopes = _READ

    @lists(
        FeatureOut,
        filters=FeatureFilters,
        tag=TAG,
        summary="List features",
        order="key",
        description="A client of one product service sees the features of that service.",
        response_example=examples.FEATURE,
    )
    def get(self, request: ApiRequest) -> QuerySet[Feature]:
        return _features(request.principal)


class OneFeature(ApiView):
    scopes = _READ

    @reads(
        FeatureOut,
        tag=TAG,
        summary="Get a feature",
        description="What its values mean, how several become one, and what a downgrade does.",
        problems=(FeatureNotFound,),
        response_example=examples.FEATURE,
    )
    def get(self, request: ApiRequest, feature: str) -> Feature:
        rows = _features(request.principal)
        return find(rows, feature, prefix="ftr", missing=FeatureNotFound, principal=None)


class Meters(ApiView):
    scopes = _READ

    @lists(
        MeterOut,
        tag=TAG,
        summary="List meters",
        order="key",
        description="How usage events become quantities that features and prices refer to.",
        response_example=examples.METER,
    )
    def get(self, request: ApiRequest) -> QuerySet[Meter]:
        return Meter.objects.all()


class OneMeter(ApiView):
    scopes = _READ

    @reads(
        MeterOut,
        tag=TAG,
        summary="Get a meter",
        description="Which events it counts and how they become a quantity.",
        problems=(MeterNotFound,),
        response_example=examples.METER,
    )
    def get(self, request: ApiRequest, meter: str) -> Meter:
        rows = Meter.objects.all()
        return find(rows, meter, prefix="mtr", missing=MeterNotFound, principal=None)


class Products(ApiView):
    scopes = _READ

    @lists(
        ProductOut,
        tag=TAG,
        summary="List products",
        order="key",
        description="Archived ones too. The plans of one: `/plans?product=`.",
        response_example=examples.PRODUCT,
    )
    def get(self, request: ApiRequest) -> QuerySet[Product]:
        return _products()


class OneProduct(ApiView):
    scopes = _READ

    @reads(
        ProductOut,
        tag=TAG,
        summary="Get a product",
        description="Whom it is for, its features, and the plans owners begin on or fall back to.",
        problems=(ProductNotFound,),
        response_example=examples.PRODUCT,
    )
    def get(self, request: ApiRequest, product: str) -> Product:
        return find(_products(), product, prefix="prd", missing=ProductNotFound, principal=None)


class PlanFilters(Filters):
    product = Filter.reference(
        "prd", "product_id", "Plans of this product.", key_path="product__key"
    )
    archived = Filter.boolean("archived_at__isnull", "Whether the plan is archived.", negate=True)


class Plans(ApiView):
    scopes = _READ

    @lists(
        PlanOut,
        filters=PlanFilters,
        tag=TAG,
        summary="List plans",
        order="key",
        description="What a plan costs and gives is in its versions.",
        response_example=examples.PLAN,
    )
    def get(self, request: ApiRequest) -> QuerySet[Plan]:
        return Plan.objects.select_related("product")


class OnePlan(ApiView):
    scopes = _READ

    @reads(
        PlanOut,
        tag=TAG,
        summary="Get a plan",
        description="Its product and its rank there. What it costs and gives is in its versions.",
        problems=(PlanNotFound,),
        response_example=examples.PLAN,
    )
    def get(self, request: ApiRequest, plan: str) -> Plan:
        return _plan(plan)


class VersionFilters(Filters):
    status = Filter.choice(VersionStatus, "status", "Versions in this status.")


class Versions(ApiView):
    scopes = _READ

    @lists(
        PlanVersionOut,
        filters=VersionFilters,
        tag=TAG,
        summary="List a plan's versions",
        order="-number",
        description=(
            "Newest first. Drafts and other customers' private versions are shown only to callers "
            "who may write the catalog."
        ),
        problems=(PlanNotFound,),
        response_example=examples.VERSION,
    )
    def get(self, request: ApiRequest, plan: str) -> QuerySet[PlanVersion]:
        return _versions(_plan(plan), request.principal)


class OneVersion(ApiView):
    scopes = _READ

    @reads(
        PlanVersionOut,
        tag=TAG,
        summary="Get a version of a plan",
        description="Its prices, values and terms. Found by those whom the list shows it to.",
        problems=(PlanNotFound, PlanVersionNotFound),
        response_example=examples.VERSION,
    )
    def get(self, request: ApiRequest, plan: str, version: str) -> PlanVersion:
        return _version(_plan(plan), version, request.principal)


class PublishVersion(ApiView):
    scopes = _WRITE

    @changes(
        None,
        PlanVersionOut,
        tag=TAG,
        summary="Publish a draft",
        description=(
            "The version is on sale at once, or from its own instant, and never changes again. "
            "Who is subscribed to an earlier one stays on it."
        ),
        problems=(
            LimitedCaller,
            PlanNotFound,
            PlanVersionNotFound,
            VersionNotDraft,
            VersionNotPublishable,
        ),
        request_example=examples.PUBLISH,
        response_example=examples.VERSION,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], plan: str, version: str) -> Changed:
        request.principal.require_unlimited()
        found = _version(_plan(plan), version, request.principal)
        row = services.publish_version(version_id=found.id)
        return Changed(row, changes=[Change("status", found.status, row.status)])


class ArchiveVersion(ApiView):
    scopes = _WRITE

    @changes(
        None,
        PlanVersionOut,
        tag=TAG,
        summary="Archive a version",
        description="It is no longer sold. Who is subscribed to it stays on it.",
        problems=(
            LimitedCaller,
            PlanNotFound,
            PlanVersionNotFound,
            VersionNotPublished,
            VersionInUse,
        ),
        request_example=examples.ARCHIVE,
        response_example=examples.ARCHIVED_VERSION,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], plan: str, version: str) -> Changed:
        request.principal.require_unlimited()
        found = _version(_plan(plan), version, request.principal)
        row = services.archive_version(version_id=found.id)
        return Changed(row, changes=[Change("status", found.status, row.status)])


class AddOns(ApiView):
    scopes = _READ

    @lists(
        AddOnOut,
        tag=TAG,
        summary="List add-ons",
        order="key",
        description="Archived ones too, each with its published versions, newest first.",
        response_example=examples.ADD_ON,
    )
    def get(self, request: ApiRequest) -> QuerySet[AddOn]:
        return _add_ons()


class OneAddOn(ApiView):
    scopes = _READ

    @reads(
        AddOnOut,
        tag=TAG,
        summary="Get an add-on",
        description="The plans it goes with, and its published versions with prices and values.",
        problems=(AddOnNotFound,),
        response_example=examples.ADD_ON,
    )
    def get(self, request: ApiRequest, add_on: str) -> AddOn:
        return find(_add_ons(), add_on, prefix="ado", missing=AddOnNotFound, principal=None)


class Coupons(ApiView):
    scopes = _READ

    @lists(
        CouponOut,
        tag=TAG,
        summary="List coupons",
        order="key",
        description="Archived ones too. Of several, the lower `priority` is taken first.",
        response_example=examples.COUPON,
    )
    def get(self, request: ApiRequest) -> QuerySet[Coupon]:
        return Coupon.objects.all()


class OneCoupon(ApiView):
    scopes = _READ

    @reads(
        CouponOut,
        tag=TAG,
        summary="Get a coupon",
        description="What it takes off, in percent or in amounts by currency, and for how long.",
        problems=(CouponNotFound,),
        response_example=examples.COUPON,
    )
    def get(self, request: ApiRequest, coupon: str) -> Coupon:
        rows = Coupon.objects.all()
        return find(rows, coupon, prefix="cpn", missing=CouponNotFound, principal=None)
