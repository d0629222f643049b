"""The shapes of checks, entitlements and explanations at the API."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Choice, Instant, Quantity, Reference, Strict
from core.api.serializers import Input, Output
from entitlements.decisions import MEANINGS, Reason
from entitlements.overrides import Mode
from plans.resets import ResetKind
from plans.values import FeatureType

MOST_CHECKS = 500
_REASONS = "; ".join(f"`{reason}`: {meaning}" for reason, meaning in MEANINGS.items())


class Value(Strict):
    """A feature's value: what JSON it is depends on the feature's type."""

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["boolean", "string", "array", "object"]}


class Form(Strict):
    """A feature's value as catalog documents write it."""

    def to_internal_value(self, data: Any) -> Any:
        """Return it as it is; whoever knows the feature reads it."""
        return data

    def json_schema(self) -> dict[str, Any]:
        return {"type": ["boolean", "integer", "string", "array", "object"]}


class CheckIn(Input):
    customer = Reference("cus", required=False, help_text="Not needed with a subject's id.")
    subject = Reference("sbj", required=False, help_text="Its id, or its key with a customer.")
    feature = Reference("ftr", help_text="The feature's key or id.")
    quantity = Quantity(required=False, help_text="How much more is asked for; 1 unless given.")


class ChecksIn(Input):
    checks = serializers.ListField(child=CheckIn(), min_length=1, max_length=MOST_CHECKS)


class WindowOut(Output):
    start = Instant(allow_null=True, help_text="Null: use counts from the beginning.")
    end = Instant(allow_null=True, help_text="Not included; null: it never ends.")
    reset = Choice(ResetKind, help_text="What starts use over.")


class _Standing(Output):
    allowed = serializers.BooleanField()
    type = Choice(FeatureType)
    value = Value(
        allow_null=True,
        help_text="Limits and allowances are decimals in quotes, number sets lists of them, ranges "
        '`{"min", "max"}`. Null: unlimited, or nothing is given.',
    )
    unlimited = serializers.BooleanField()
    unit = serializers.CharField(allow_null=True)
    used = Quantity(allow_null=True, help_text="Null: use is not known.")
    remaining = Quantity(allow_null=True, help_text="Null: use is not known, or unlimited.")
    window = WindowOut(allow_null=True, help_text="For metered features: what use counts in.")
    reason = Choice(Reason, help_text=_REASONS)
    blocked_by = serializers.ListField(child=serializers.CharField(), help_text="Names of blocks.")


class CheckOut(_Standing):
    feature = serializers.CharField()
    customer = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    revision = serializers.IntegerField(help_text="The customer's entitlement revision.")
    as_of = Instant(help_text="The customer's now.")
    valid_until = Instant(
        allow_null=True, help_text="When time alone may change the answer; null: nothing known."
    )
    degraded = serializers.BooleanField(help_text="True: not read from the database itself.")


class ProblemOut(Output):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()


class CheckResultOut(Output):
    check = CheckOut(allow_null=True)
    problem = ProblemOut(allow_null=True)


class ChecksOut(Output):
    results = CheckResultOut(many=True, help_text="In the order of the questions.")


class SourceOut(Output):
    type = serializers.CharField(help_text="`plan`, `add_on` or `override`.")
    id = serializers.CharField(help_text="The subscription it comes through, or the override.")
    product = serializers.CharField(allow_null=True, help_text="Null for an override.")
    plan = serializers.CharField(
        allow_null=True,
        help_text="The subscription's plan; of an add-on, its base. Null for an override.",
    )
    add_on = serializers.CharField(allow_null=True, help_text="The add-on's key, or null.")
    limit_kept_from = serializers.CharField(
        allow_null=True,
        help_text="The earlier version of the plan whose higher limit is kept, or null.",
    )


class EntitlementOut(_Standing):
    feature = serializers.CharField()
    name = serializers.CharField()
    until = Instant(allow_null=True, help_text="When this value ends; null: nothing ends it.")
    sources = SourceOut(many=True, help_text="What gives it.")

    def get_fields(self) -> dict[str, Any]:
        since = Instant(allow_null=True, help_text="Since when this value holds.")
        return {"from": since, **super().get_fields()}


class EntitlementsOut(Output):
    customer = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    at = Instant()
    projected = serializers.BooleanField(help_text="The instant lies ahead; renewals succeed.")
    revision = serializers.IntegerField()
    data = EntitlementOut(  # type: ignore[assignment]  # the API's name, not DRF's property
        many=True, help_text="By feature key."
    )


class ResultOut(Output):
    allowed = serializers.BooleanField()
    reason = Choice(Reason, help_text=_REASONS)
    type = Choice(FeatureType)
    value = Value(allow_null=True)
    unlimited = serializers.BooleanField()
    unit = serializers.CharField(allow_null=True)


class StepOut(Output):
    step = serializers.CharField(
        help_text="Which rule this step is of: `plan`, `add_on` or `override`."
    )
    source = SourceOut()  # type: ignore[assignment]  # the API's name, not DRF's attribute
    until = Instant(allow_null=True, help_text="When the source stops giving it.")
    value_in = Value(allow_null=True, help_text="What the step before left; null: nothing.")
    value_out = Value(allow_null=True, help_text="What this step left.")
    rule = serializers.CharField(
        help_text="How values are combined; else `replace`, `add`, `at_least`, `set`, `paused`, "
        "`blocked` or `ended`."
    )
    won = serializers.BooleanField(help_text="The result shows what this source gives.")
    because = serializers.CharField()
    actor = serializers.CharField(allow_null=True, help_text="Null for callers of one customer.")
    reason = serializers.CharField(allow_null=True, help_text="Null: none given, or not public.")
    recorded_at = Instant(whole=False)

    def get_fields(self) -> dict[str, Any]:
        return {
            "from": Instant(help_text="Since when the source gives it."),
            **super().get_fields(),
        }


class NextChangeOut(Output):
    at = Instant()
    to = Value(allow_null=True, help_text="Null: nothing.")
    cause = serializers.CharField(help_text="`scheduled`, `fallback`, `override_ended`, `ended`, …")

    def get_fields(self) -> dict[str, Any]:
        return {"from": Value(allow_null=True, help_text="Null: nothing."), **super().get_fields()}


class RemedyOut(Output):
    code = Choice(("upgrade", "subscribe", "contact_sales"))
    plan = serializers.CharField()
    gives = Value(help_text="The feature's value with that plan.")


class UsageOut(Output):
    used = Quantity()
    held = Quantity(help_text="What is reserved and has not expired.")
    remaining = Quantity(allow_null=True, help_text="Null: unlimited, or nothing is given.")


class ExplanationOut(Output):
    owner = serializers.CharField(help_text="Whose feature it is: the subject or the customer.")
    customer = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    feature = serializers.CharField()
    at = Instant()
    projected = serializers.BooleanField(help_text="The instant lies ahead; renewals succeed.")
    known_at = Instant(help_text="The machine's time as of which facts are told.")
    revision = serializers.IntegerField()
    result = ResultOut()
    in_words = serializers.CharField(help_text="For people; it may change.")
    steps = StepOut(many=True, help_text="In the order of the rules; sources that lost included.")
    window = WindowOut(allow_null=True)
    usage = UsageOut(allow_null=True, help_text="Null: use is not known, or not of now.")
    blocked_by = serializers.ListField(child=serializers.CharField())
    next_change = NextChangeOut(allow_null=True)
    remedies = RemedyOut(many=True, help_text="Plans on sale that give more.")


class DifferenceOut(Output):
    feature = serializers.CharField()
    before = Value(allow_null=True, help_text="Null: nothing.")
    after = Value(allow_null=True, help_text="Null: nothing.")


class CausedDifferenceOut(DifferenceOut):
    cause = serializers.CharField(
        help_text="Why: `override`, `override_ended`, `ended`, or that of the change that gives it."
    )


class DiffOut(Output):
    customer = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    to = Instant()
    projected = serializers.BooleanField(
        help_text="One of the instants lies ahead; renewals succeed."
    )
    revision = serializers.IntegerField()
    data = CausedDifferenceOut(  # type: ignore[assignment]  # the API's name, not DRF's property
        many=True, help_text="Features whose values differ, by key."
    )

    def get_fields(self) -> dict[str, Any]:
        return {"from": Instant(), **super().get_fields()}


class SupposedOverrideIn(Input):
    feature = Reference("ftr", help_text="The feature's key or id.")
    value = Form(help_text="As an override's.")
    mode = Choice(Mode, required=False, help_text="As an override's.")


class SimulationIn(Input):
    customer = Reference("cus", required=False, help_text="Not needed with a subject's id.")
    subject = Reference("sbj", required=False, help_text="Its id, or its key with a customer.")
    at = Instant(required=False, help_text="The instant to look at; without: the customer's now.")
    plan = Reference(
        "pln",
        required=False,
        help_text="Suppose that the owner's subscription of the plan's product were on this plan.",
    )
    override = SupposedOverrideIn(
        required=False, help_text="Suppose an override, in the place of one that there is."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"plan", "override"}:
            raise serializers.ValidationError(
                "Name a plan or an override to suppose.", code="required"
            )
        return attrs


class SimulationOut(Output):
    customer = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    at = Instant()
    projected = serializers.BooleanField(help_text="The instant lies ahead; renewals succeed.")
    data = DifferenceOut(  # type: ignore[assignment]  # the API's name, not DRF's property
        many=True, help_text="Features whose values would differ, by key."
    )


class RevisionOut(Output):
    customer = serializers.CharField()
    epoch = serializers.IntegerField(help_text="Rises when a backup is restored.")
    revision = serializers.IntegerField(help_text="Rises with every change of what is given.")
    token = serializers.CharField(help_text="Give it as `at_least`.")
