"""The shapes of change sets at the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from changes.models import ChangeSet, ChangeSetItem
from changes.operations import operation_input
from changes.states import ItemState, State
from changes.warnings import Code
from core.api.fields import Choice, Id, Instant, MoneyField, Reference, StrictBoolean
from core.api.serializers import Input, Output
from core.money import Money
from subscriptions.api.serializers import Interval
from subscriptions.states import State as SubscriptionState

MOST_OPERATIONS = 10
MOST_EXCLUDED = 1000
# What a selector may ask for: what has ended is not changed.
_LIVE = [str(each) for each in SubscriptionState if each != SubscriptionState.CANCELED]

Operation = operation_input()


class ExcludeIn(Input):
    customers = serializers.ListField(
        child=Reference("cus"),
        required=False,
        max_length=MOST_EXCLUDED,
        help_text="None of these customers'.",
    )
    subscriptions = serializers.ListField(
        child=Id("sub"),
        required=False,
        max_length=MOST_EXCLUDED,
        help_text="None of these.",
    )


class SelectorIn(Input):
    customer = Reference("cus", required=False, help_text="Of this customer.")
    product = Reference("prd", required=False, help_text="To this product.")
    plan = Reference("pln", required=False, help_text="On this plan.")
    plan_version = Id("plv", required=False, help_text="On this plan version.")
    interval = Interval(required=False)
    state = Choice(_LIVE, required=False, help_text="In this state.")
    exclude = ExcludeIn(required=False, help_text="What is left out although it is found.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() - {"exclude"}:
            raise serializers.ValidationError("Name at least one filter.", code="nothing_given")
        return attrs


class ChangeSetIn(Input):
    subscription = Id("sub", required=False, help_text="What is changed, if it is one.")
    selector = SelectorIn(
        required=False, help_text="Which are changed: those that are found now, and no later ones."
    )
    operations = serializers.ListField(
        child=Operation(),
        min_length=1,
        max_length=MOST_OPERATIONS,
        help_text="What is done, in this order and at one instant.",
    )
    effective_at = Instant(
        required=False,
        help_text=(
            "When it is done, in the customer's time; now unless given. Ahead: to see what would "
            "be; it can be applied when its time has come. Only without a selector; needs "
            "`subscriptions:override`."
        ),
    )
    all_or_nothing = StrictBoolean(
        default=False, help_text="Apply all or none of at most 100 that a selector finds."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        begins = "subscribe" in attrs["operations"][0]
        if any("subscribe" in each for each in attrs["operations"][1:]):
            raise _invalid("operations", "Only the first operation can be to subscribe.")
        if sum((begins, "subscription" in attrs, "selector" in attrs)) != 1:
            raise serializers.ValidationError(
                "Name a subscription or a selector, or begin one with subscribe.", code="one_of"
            )
        if "selector" in attrs and "effective_at" in attrs:
            raise _invalid("effective_at", "With a selector each has its customer's now.")
        if attrs["all_or_nothing"] and "selector" not in attrs:
            raise _invalid("all_or_nothing", "This is for what a selector finds.")
        return attrs


def _invalid(field: str, message: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: [serializers.ErrorDetail(message, "not_here")]})


class WarningOut(Output):
    code = serializers.ChoiceField(choices=[str(each) for each in Code])
    item = serializers.CharField(help_text="What it is about: key of an add-on, feature or price.")
    detail = serializers.CharField(help_text="For people; it may change.")


class AmountOut(Output):
    amount = serializers.IntegerField(help_text="In minor units.")
    currency = serializers.CharField()


class PreviewChargeOut(Output):
    item = serializers.CharField(help_text="`plan`, or `add_on:` with the add-on's key.")
    price = serializers.CharField()
    version = serializers.CharField()
    quantity = serializers.IntegerField()
    part = serializers.CharField()
    kind = serializers.CharField()
    amount = AmountOut(help_text="Negative in the customer's favour.")
    settlement = serializers.CharField()
    period_start = serializers.CharField()
    period_end = serializers.CharField(allow_null=True)
    unit_price = serializers.CharField()
    explanation = serializers.CharField()
    due_at = serializers.CharField()


class NextInvoiceOut(Output):
    at = serializers.CharField()
    amount = AmountOut()
    charges = PreviewChargeOut(many=True)


class PreviewMoneyOut(Output):
    charges = PreviewChargeOut(many=True)
    due_now = AmountOut(help_text="What is asked of the customer at once.")
    credit_balance_change = AmountOut()
    refund = AmountOut()
    next_invoice = NextInvoiceOut(
        allow_null=True, help_text="What is charged of the subscription next."
    )


class EntitlementChangeOut(Output):
    owner = serializers.CharField(help_text="Id of the subject or customer.")
    feature = serializers.CharField()
    before = serializers.JSONField(help_text="What it would be at that instant without the change.")
    after = serializers.JSONField(help_text="Null: nothing may be used.")
    at = serializers.CharField()


class DocumentChangeOut(Output):
    service = serializers.CharField()
    owner = serializers.CharField()
    target = serializers.CharField(allow_null=True, help_text="Null where there is none yet.")
    before = serializers.JSONField(help_text="What differs, as it is; null: nothing yet.")
    after = serializers.JSONField(help_text="What differs, as it becomes.")
    at = serializers.CharField()


class PreviewOut(Output):
    money = PreviewMoneyOut()
    entitlements = EntitlementChangeOut(many=True)
    provisioning = DocumentChangeOut(many=True)
    warnings = WarningOut(many=True)


class ItemProblemOut(Output):
    code = serializers.CharField()
    detail = serializers.CharField()


class ChangeSetItemOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    subscription = serializers.CharField(
        source="subscription_id", allow_null=True, help_text="Null until one has begun."
    )
    state = serializers.ChoiceField(choices=ItemState.choices)
    effective_at = Instant()
    valid_until = Instant(
        allow_null=True, help_text="When time changes the subscription; the customer's time."
    )
    before = serializers.JSONField(help_text="The subscription as it was; null: there was none.")
    after = serializers.JSONField(help_text="As it becomes, or became; null before the preview.")
    preview = PreviewOut(allow_null=True, help_text="What it does; null before the preview.")
    problem = serializers.SerializerMethodField(help_text="Why it failed or is stale, or null.")
    applied_at = Instant(allow_null=True, help_text="The machine's time.")

    @extend_schema_field(ItemProblemOut(allow_null=True))
    def get_problem(self, item: ChangeSetItem) -> dict[str, str] | None:
        return {"code": item.error_code, "detail": item.error_detail} if item.error_code else None


class TotalMoneyOut(Output):
    due_now = AmountOut()
    credit_balance_change = AmountOut()
    refund = AmountOut()


class TotalsOut(Output):
    money = TotalMoneyOut(many=True, help_text="One per currency.")
    warnings = serializers.DictField(child=serializers.IntegerField(), help_text="By code.")
    problems = serializers.DictField(child=serializers.IntegerField(), help_text="By code.")


class ChangeSetOut(Output):
    id = serializers.CharField()
    state = serializers.ChoiceField(choices=State.choices)
    customer = serializers.CharField(
        source="customer_id", allow_null=True, help_text="Null where there was a selector."
    )
    selector = serializers.JSONField(help_text="Null for one subscription.")
    operations = serializers.SerializerMethodField(help_text="As asked for; none of an undo.")
    undoes = serializers.CharField(source="undoes_id", allow_null=True)
    all_or_nothing = serializers.BooleanField()
    effective_at = Instant(
        allow_null=True, help_text="Null with a selector: each item has its own."
    )
    expires_at = Instant(help_text="Until when it can be approved and applied.")
    reason = serializers.SerializerMethodField(help_text="Null for callers limited to a customer.")
    created_at = Instant()
    created_by = serializers.SerializerMethodField()
    approved_at = Instant(allow_null=True)
    approved_by = serializers.SerializerMethodField()
    finished_at = Instant(allow_null=True)
    item = serializers.SerializerMethodField(help_text="The one item; null with a selector.")
    items = serializers.SerializerMethodField(help_text="How many items are in which state.")
    totals = serializers.SerializerMethodField(help_text="Of what is previewed or applied.")

    def get_reason(self, row: ChangeSet) -> str | None:
        return self._for_staff(row.reason)

    def get_created_by(self, row: ChangeSet) -> str | None:
        return self._for_staff(row.created_by)

    def get_approved_by(self, row: ChangeSet) -> str | None:
        return self._for_staff(row.approved_by) or None

    def get_operations(self, row: ChangeSet) -> list[dict[str, Any]]:
        """Why something was blocked may be for staff alone."""
        return [
            {
                name: {
                    field: value
                    for field, value in body.items()
                    if field != "internal_reason" or not self._is_limited
                }
                for name, body in each.items()
            }
            for each in row.operations
        ]

    @extend_schema_field(ChangeSetItemOut(allow_null=True))
    def get_item(self, row: Any) -> dict[str, Any] | None:
        only = row.only_items if row.is_single else ()
        return ChangeSetItemOut(only[0], context=self.context).data if only else None

    def get_items(self, row: Any) -> dict[str, int]:
        counted = {each["state"]: each["number"] for each in row.counted}
        return {str(state): counted.get(state, 0) for state in ItemState}

    @extend_schema_field(TotalsOut())
    def get_totals(self, row: ChangeSet) -> dict[str, Any]:
        money = [
            {
                "due_now": _money(each, "due_now"),
                "credit_balance_change": _money(each, "credit_balance_change"),
                "refund": _money(each, "refund"),
            }
            for each in row.totals.get("money", [])
        ]
        return {
            "money": money,
            "warnings": row.totals.get("warnings", {}),
            "problems": row.totals.get("problems", {}),
        }

    def _for_staff(self, text: str) -> str | None:
        return None if self._is_limited else text

    @property
    def _is_limited(self) -> bool:
        """Whether the caller is limited to one customer."""
        return self.context["request"].principal.customer_id is not None


def _money(totals: dict[str, Any], name: str) -> dict[str, Any]:
    return MoneyField().to_representation(Money(totals[name], totals["currency"]))
