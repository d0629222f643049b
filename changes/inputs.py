"""The inputs of operations, where they are not those of the commands themselves."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Choice, Id, Instant, Key, StrictBoolean, Text
from core.api.serializers import Input
from entitlements.api.overrides import OverrideIn
from subscriptions.api.serializers import AddOnIn, ChangeIn, Quantity, SubscribeIn
from subscriptions.blocks import Effect

MOST_REASON = 500


class SubscribeOperationIn(SubscribeIn):
    """Begin a subscription; ``customer`` and ``subject`` say whose."""


class ChangeOperationIn(ChangeIn):
    keep_higher_limits = StrictBoolean(
        required=False,
        help_text="For another `plan_version` of the same plan: of limits and allowances, the "
        "higher of the old and the new value stays. Needs `subscriptions:override`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("keep_higher_limits") and "plan_version" not in attrs:
            message = "Name the other version in plan_version."
            detail = serializers.ErrorDetail(message, "required")
            raise serializers.ValidationError({"keep_higher_limits": [detail]})
        return super().validate(attrs)


class ChangeBackIn(ChangeIn):
    """A change that an undo makes, with the versions whose limits were kept."""

    limits_of = serializers.ListField(child=Id("plv"))


class QuantityIn(Input):
    quantity = Quantity()


class AddOnOperationIn(AddOnIn):
    """Have another quantity of one add-on."""


class UncancelIn(Input):
    """Nothing more is needed."""


class BlockOperationIn(Input):
    """A block on the subscription, from the instant of the change on."""

    name = Key(help_text="Public: denials and refusals name it.")
    effects = serializers.ListField(
        child=Choice(Effect), min_length=1, max_length=len(Effect), help_text="What it takes away."
    )
    until = Instant(required=False, help_text="When it is over by itself; without: never.")
    public_reason = Text(max_length=MOST_REASON, required=False, help_text="For the customer.")
    internal_reason = Text(max_length=MOST_REASON, required=False, help_text="For staff.")


class OverrideOperationIn(OverrideIn):
    """An override for the owner of the subscription: its subject or, without one, its customer."""

    subject = None  # type: ignore[assignment]  # so a serializer leaves out what it inherits


class WithdrawIn(Input):
    feature = Key()
    since = Instant(whole=False)


class LiftIn(Input):
    name = Key()
    since = Instant(whole=False)


class UnscheduleIn(Input):
    kind = Text(max_length=16)
    add_on = Text(max_length=128, required=False, allow_blank=True)
