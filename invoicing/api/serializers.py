"""The shapes of charges and credits at the API."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Id, Instant, MoneyField
from core.api.serializers import Input, Output
from core.money import Money
from invoicing.drafts import Kind
from invoicing.models import Charge, CreditEntry, CreditKind
from invoicing.targets import Part
from plans.change_rules import Settlement


class SegmentOut(Output):
    start = Instant()
    end = Instant(allow_null=True)
    fraction = serializers.CharField(help_text="Share of the full period, such as `21/31`.")
    exact = serializers.CharField(help_text="What it costs in minor units, before rounding.")
    amount = MoneyField()


class ChargeOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    subscription = serializers.CharField(source="subscription_id")
    item = serializers.CharField(help_text="`plan`, or `add_on:` with the add-on's key.")
    price = serializers.CharField(source="price_key", help_text="Key of the price.")
    version = serializers.CharField(help_text="Id of the version of the plan or add-on.")
    quantity = serializers.IntegerField()
    part = serializers.ChoiceField(
        choices=[str(each) for each in Part],
        help_text="A period's fee, a fee asked once, or what is missing to a commitment.",
    )
    kind = serializers.ChoiceField(
        choices=[str(each) for each in Kind],
        help_text="`forfeited` moves no money: so much of what was charged is not given back.",
    )
    amount = MoneyField(source="money", help_text="Negative in the customer's favour.")
    settlement = serializers.ChoiceField(
        choices=[str(each) for each in Settlement], help_text="What becomes of a credit."
    )
    period_start = Instant(help_text="The full period that the amount is a part of.")
    period_end = Instant(allow_null=True, help_text="Null for a fee asked once.")
    segments = serializers.SerializerMethodField(help_text="What the line is made of.")
    unit_price = serializers.CharField()
    explanation = serializers.CharField(help_text="How the amount came about.")
    is_imported = serializers.BooleanField(help_text="Charged by another system before.")
    due_at = Instant(help_text="When it was to be charged.")
    at = Instant(help_text="When it was, in the customer's time.")
    recorded_at = Instant(help_text="The machine's time.")

    def get_segments(self, charge: Charge) -> list[dict[str, Any]]:
        return [
            {**each, "amount": {"amount": each["amount"], "currency": charge.currency}}
            for each in charge.segments
        ]


class CreditIn(Input):
    amount = MoneyField(min_value=1, help_text="How much, in minor units.")
    charge = Id("chg", required=False, help_text="The charge that it is for, if it is for one.")


class CreditOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    subscription = serializers.CharField(source="subscription_id", allow_null=True)
    charge = serializers.CharField(source="charge_id", allow_null=True)
    kind = serializers.ChoiceField(choices=CreditKind.values)
    amount = MoneyField(source="money")
    reason = serializers.SerializerMethodField(
        help_text="Why. Null for callers that are limited to one customer."
    )
    at = Instant(help_text="The customer's time.")
    recorded_at = Instant(help_text="The machine's time.")

    def get_reason(self, entry: CreditEntry) -> str | None:
        limited = self.context["request"].principal.customer_id is not None
        return None if limited else entry.reason


class BalancesOut(Output):
    balances = serializers.SerializerMethodField(help_text="One amount per currency.")

    def get_balances(self, balances: list[Money]) -> list[dict[str, Any]]:
        return [{"amount": each.amount, "currency": each.currency} for each in balances]
