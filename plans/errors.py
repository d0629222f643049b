"""What can be wrong with a reference to the catalog."""

from core.errors import Conflict, NotFound, Unprocessable


class FeatureNotFound(NotFound):
    """There is no such feature."""

    code = "feature_not_found"


class MeterNotFound(NotFound):
    """There is no such meter."""

    code = "meter_not_found"


class ProductNotFound(NotFound):
    """There is no such product."""

    code = "product_not_found"


class PlanNotFound(NotFound):
    """There is no such plan."""

    code = "plan_not_found"


class PlanVersionNotFound(NotFound):
    """The plan has no such version, or it is another customer's."""

    code = "plan_version_not_found"


class AddOnNotFound(NotFound):
    """There is no such add-on."""

    code = "add_on_not_found"


class CouponNotFound(NotFound):
    """There is no such coupon."""

    code = "coupon_not_found"


class PlanNotSold(Unprocessable):
    """The plan is archived, or has no version that is sold at the customer's time."""

    code = "plan_not_sold"


class AddOnNotSold(Unprocessable):
    """The add-on is archived, or has no version that is sold at the customer's time."""

    code = "add_on_not_sold"


class VersionNotDraft(Conflict):
    """Only a draft can be published."""

    code = "version_not_draft"


class VersionNotPublished(Conflict):
    """Only a published version can be archived."""

    code = "version_not_published"


class VersionInUse(Conflict):
    """Without the version, what stays on sale would not fit together: a default or fallback plan
    that cannot be had, or an older version without a value for a feature. See ``errors``."""

    code = "version_in_use"
