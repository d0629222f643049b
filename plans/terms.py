"""What a plan version promises, as plain values: prices, feature values, trial, policies.

Amounts are decimals in the currency's major unit, as the catalog says them; unit amounts may be
finer than the minor unit. ``plans.pricing`` turns them into money.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from core.money import Money, multiply_unit_price
from plans.change_rules import CancelPolicy, ChangeRule
from plans.values import Value

ZERO = Decimal(0)
ONE = Decimal(1)


class Scope(StrEnum):
    """Who holds it: the customer, or each of the customer's subjects."""

    CUSTOMER = "customer"
    SUBJECT = "subject"


class PriceModel(StrEnum):
    FLAT = "flat"
    PER_UNIT = "per_unit"
    GRADUATED = "graduated"
    VOLUME = "volume"
    PACKAGE = "package"
    GRADUATED_PACKAGE = "graduated_package"
    PERCENTAGE = "percentage"


class Due(StrEnum):
    """When a price is charged: at the start of its period or at the end."""

    ADVANCE = "advance"
    ARREARS = "arrears"


@dataclass(frozen=True, slots=True)
class Tier:
    """``up_to`` is inclusive, None: without end. ``amount`` is for one unit, or one package of
    ``package_size`` units; ``flat_amount`` is owed as soon as the tier is reached."""

    up_to: Decimal | None
    amount: Decimal
    flat_amount: Decimal = ZERO
    package_size: Decimal = ONE


@dataclass(frozen=True, slots=True)
class Percentage:
    """A share of each event's amount: ``rate`` in percent, plus ``fixed`` per event."""

    rate: Decimal
    fixed: Decimal = ZERO
    least: Decimal | None = None
    most: Decimal | None = None
    free_events: int | None = None
    free_total: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """One price of a version sold for ``sold_interval`` in ``currency``; charged per ``interval``.

    With a meter the quantity is its use; without one it is the subscription's quantity, and a flat
    price ignores it. In this order: the quantity is divided by ``divide_by``, rounded up if
    ``round_up``, reduced by ``included``, priced, multiplied by ``multiplier``, capped at
    ``maximum``. What is missing to ``minimum`` is charged once, at the period's end.
    """

    id: str
    key: str
    sold_interval: str
    currency: str
    interval: str
    model: PriceModel
    due: Due
    meter: str | None = None
    amount: Decimal = ZERO
    package_size: Decimal = ONE
    tiers: tuple[Tier, ...] = ()
    percentage: Percentage | None = None
    divide_by: Decimal = ONE
    round_up: bool = False
    included: Decimal = ZERO
    prorate_included: bool = False
    multiplier: Decimal = ONE
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    @property
    def is_zero(self) -> bool:
        """Whether no quantity can ever cost anything."""
        if self.minimum:
            return False
        if self.multiplier == 0 or self.maximum == 0:
            return True
        amounts = [self.amount, *(tier.amount for tier in self.tiers)]
        amounts += [tier.flat_amount for tier in self.tiers]
        if self.percentage is not None:
            share = self.percentage
            if share.most == 0:
                return True
            amounts += [share.rate, share.fixed, share.least or ZERO]
        return not any(amounts)

    @property
    def is_per_seat(self) -> bool:
        """Whether the subscription's quantity decides what it costs."""
        return self.meter is None and self.model != PriceModel.FLAT


class Aggregation(StrEnum):
    """How a meter makes one quantity of many events."""

    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "average"
    UNIQUE = "unique"
    LATEST = "latest"
    TIME_WEIGHTED_SUM = "time_weighted_sum"


class Effect(StrEnum):
    """What a version does to a feature: plans ``set``; of add-ons, ``replace`` before ``add``."""

    SET = "set"
    ADD = "add"
    REPLACE = "replace"


class CouponDuration(StrEnum):
    """How long a coupon discounts: one invoice, calendar months, or as long as it is there."""

    ONCE = "once"
    MONTHS = "months"
    FOREVER = "forever"


class DowngradePolicy(StrEnum):
    """What happens when a downgrade leaves less than is in use."""

    REFUSE = "refuse"
    KEEP_UNTIL = "keep_until"
    TRIM = "trim"
    GRANDFATHER = "grandfather"


@dataclass(frozen=True, slots=True)
class Downgrade:
    """``days`` is for ``keep_until`` only."""

    policy: DowngradePolicy
    days: int | None = None


class FedBy(StrEnum):
    """How use of a metered feature arrives: by reported events, or by ``consume``."""

    EVENTS = "events"
    CONSUME = "consume"


@dataclass(frozen=True, slots=True)
class FeatureTerms:
    """A feature as the catalog defines it. ``meter`` and ``fed_by`` are for metered ones only."""

    id: str
    key: str
    name: str
    type: str
    unit: str
    scope: str
    combine: str
    product_service: str
    downgrade: Downgrade
    meter: str | None = None
    fed_by: str | None = None


@dataclass(frozen=True, slots=True)
class ValueTerms:
    """What a version says about a feature. ``value`` may wait for a quantity: that of the
    subscription, or of the add-on."""

    feature: FeatureTerms
    value: Value
    effect: Effect = Effect.SET


class TrialEnd(StrEnum):
    """What follows a trial; ``paid_if_method``: paid with a payment method, else the fallback."""

    PAID_IF_METHOD = "paid_if_method"
    PAID = "paid"
    FREE = "free"
    CANCELED = "canceled"
    PAUSED = "paused"


class TrialUsage(StrEnum):
    BILLED = "billed"
    FREE = "free"


class PauseMode(StrEnum):
    """What a pause does: ``credit`` the rest of the period, or ``extend`` it by the pause."""

    CREDIT = "credit"
    EXTEND = "extend"


@dataclass(frozen=True, slots=True)
class QuantityTerms:
    """How many units may be had, both bounds included; ``default`` of them without a word, also
    by whoever lands on the plan without being asked. ``maximum`` None: without bound."""

    minimum: int = 1
    maximum: int | None = None
    default: int = 1

    def allows(self, quantity: int) -> bool:
        """Tell whether so many units may be had."""
        return self.nearest(quantity) == quantity

    def nearest(self, quantity: int) -> int:
        """Return the quantity, or the bound that it is beyond."""
        return max(self.minimum, quantity if self.maximum is None else min(quantity, self.maximum))


# Where neither a price nor a value depends on the quantity.
ONE_ONLY = QuantityTerms(maximum=1)


@dataclass(frozen=True, slots=True)
class TrialTerms:
    """One trial per ``scope`` and product, of ``days`` calendar days."""

    days: int
    ends: TrialEnd
    usage: TrialUsage
    scope: Scope


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """The product a version belongs to, as it is now: these parts may change at any time."""

    id: str
    key: str
    name: str
    scope: Scope
    subject_kind: str
    exclusive: bool
    co_terms: bool
    default_plan_id: str | None
    fallback_plan_id: str | None
    change_rules: tuple[ChangeRule, ...]
    cancel: CancelPolicy = field(default=CancelPolicy())


@dataclass(frozen=True, slots=True)
class Offer:
    """What is sold, for which intervals, in which currencies. ``sold`` maps an interval to its
    currencies; none: any currency, because nothing is charged or a contract says what is."""

    sold: Mapping[str, tuple[str, ...]]
    prices: tuple[PriceTerms, ...]

    def sells(self, interval: str, currency: str) -> bool:
        """Tell whether it can be had for this interval in this currency."""
        currencies = self.sold.get(interval)
        return currencies is not None and (not currencies or currency in currencies)

    def intervals(self, currency: str) -> tuple[str, ...]:
        """Return the intervals it is sold for in a currency, the shortest first."""
        return tuple(each for each in self.sold if self.sells(each, currency))

    def prices_of(self, interval: str, currency: str) -> tuple[PriceTerms, ...]:
        """Return what is charged when it is sold for this interval in this currency."""
        return tuple(
            price
            for price in self.prices
            if price.sold_interval == interval and price.currency == currency
        )

    def charges_nothing(self, interval: str, currency: str) -> bool:
        """Tell whether every price is zero."""
        return all(price.is_zero for price in self.prices_of(interval, currency))


@dataclass(frozen=True, slots=True)
class Terms(Offer):
    """One version of a plan. Fallen back to, it begins no trial."""

    version_id: str
    version: int
    status: str
    plan_id: str
    plan_key: str
    plan_name: str
    rank: int
    product: ProductTerms
    features: Mapping[str, ValueTerms]
    billing_zone: str
    trial: TrialTerms | None
    contract: bool
    externally_managed: bool
    access_while_paused: bool
    private: bool = False
    pause: PauseMode = PauseMode.CREDIT
    quantity: QuantityTerms = ONE_ONLY

    def is_free(self, interval: str, currency: str) -> bool:
        """Tell whether every price is zero. A contract is never free: its price is elsewhere."""
        return not self.contract and self.charges_nothing(interval, currency)

    def flat_amount(self, interval: str, currency: str) -> Money:
        """Return the flat fees of one whole period: those charged once per ``interval``."""
        flat = (
            Money.rounded(multiply_unit_price(price.amount, price.multiplier, currency), currency)
            for price in self.prices_of(interval, currency)
            if price.model == PriceModel.FLAT and price.interval == interval
        )
        return sum(flat, Money.zero(currency))


@dataclass(frozen=True, slots=True)
class AddOnTerms(Offer):
    """One version of an add-on. Its prices and per-unit values count its own quantity.

    A plan of ``included_in`` gives by its own values what the add-on would give: there it cannot be
    had, and one that is held ends with the change. Both hold identifiers of plans, as of now.
    """

    version_id: str
    version: int
    status: str
    add_on_id: str
    add_on_key: str
    add_on_name: str
    available_for: frozenset[str]
    included_in: frozenset[str]
    features: Mapping[str, ValueTerms]
    quantity: QuantityTerms
