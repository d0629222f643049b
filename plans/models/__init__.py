"""The catalog's tables: definitions may change at any time, published versions never do."""

from plans.models.definitions import (
    AddOn,
    AddOnPlan,
    CatalogRevision,
    Coupon,
    Currency,
    Feature,
    Meter,
    Plan,
    Product,
    ProductFeature,
    ProductService,
)
from plans.models.versions import (
    AddOnVersion,
    FeatureValue,
    PlanVersion,
    PlanVersionCustomer,
    Price,
    VersionStatus,
)

__all__ = [
    "AddOn",
    "AddOnPlan",
    "AddOnVersion",
    "CatalogRevision",
    "Coupon",
    "Currency",
    "Feature",
    "FeatureValue",
    "Meter",
    "Plan",
    "PlanVersion",
    "PlanVersionCustomer",
    "Price",
    "Product",
    "ProductFeature",
    "ProductService",
    "VersionStatus",
]
