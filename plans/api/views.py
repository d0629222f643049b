"""The catalog, object by object."""

from django.db.models import Prefetch, QuerySet

from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import Principal, Scope
from plans.api import examples
from plans.api.serializers import (
    AddOnOut,
    CouponOut,
    FeatureOut,
    MeterOut,
    PlanOut,
    ProductOut,
)
from plans.errors import (
    AddOnNotFound,
    CouponNotFound,
    FeatureNotFound,
    MeterNotFound,
    PlanNotFound,
    ProductNotFound,
)
from plans.models import (
    AddOn,
    AddOnVersion,
    Coupon,
    Feature,
    Meter,
    Plan,
    Product,
)
from plans.terms import Scope as Owner
from plans.values import FeatureType

TAG = "catalog"
READ = {"GET": Scope.CATALOG_READ}


def visible_features(principal: Principal) -> QuerySet[Feature]:
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


def find_plan(reference: str) -> Plan:
    rows = Plan.objects.select_related("product")
    return find(rows, reference, prefix="pln", missing=PlanNotFound, principal=None)


class FeatureFilters(Filters):
    product_service = Filter.key("product_service__key", "Features of this product service.")
    type = Filter.choice(FeatureType, "type", "Features with values of this type.")
    scope = Filter.choice(Owner, "scope", "Features that customers, or subjects, have.")


class Features(ApiView):
    scopes = READ

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
        return visible_features(request.principal)


class OneFeature(ApiView):
    scopes = READ

    @reads(
        FeatureOut,
        tag=TAG,
        summary="Get a feature",
        description="What its values mean, how several become one, and what a downgrade does.",
        problems=(FeatureNotFound,),
        response_example=examples.FEATURE,
    )
    def get(self, request: ApiRequest, feature: str) -> Feature:
        rows = visible_features(request.principal)
        return find(rows, feature, prefix="ftr", missing=FeatureNotFound, principal=None)


class Meters(ApiView):
    scopes = READ

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
    scopes = READ

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
    scopes = READ

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
    scopes = READ

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
    scopes = READ

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
    scopes = READ

    @reads(
        PlanOut,
        tag=TAG,
        summary="Get a plan",
        description="Its product and its rank there. What it costs and gives is in its versions.",
        problems=(PlanNotFound,),
        response_example=examples.PLAN,
    )
    def get(self, request: ApiRequest, plan: str) -> Plan:
        return find_plan(plan)


class AddOns(ApiView):
    scopes = READ

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
    scopes = READ

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
    scopes = READ

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
    scopes = READ

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
