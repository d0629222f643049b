"""The shapes of subscriptions at the API."""

import re
from typing import Any

from rest_framework import serializers

from core.api.field_patterns import CONTROL
from core.api.fields import Choice, Id, Instant, Reference, Text
from core.api.serializers import Input, Output
from plans.change_rules import AnchorRule, Proration, Settlement, Timing
from subscriptions.models import ChangeKind
from subscriptions.services.cancel import When
from subscriptions.states import State

TIMINGS = [Timing.NOW, Timing.PERIOD_END]
INTERVAL_HELP = "What it is paid for at a time: `month`, `year`; as the plan is sold."
OVERRIDE_HELP = "Instead of what the change policy says; needs `subscriptions:override`."
_METADATA_NAME = re.compile(f"[^{CONTROL}]{{1,64}}")


class Interval(Text):
    """A billing interval as the catalog writes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, help_text=INTERVAL_HELP, **kwargs)


class SubscribeIn(Input):
    customer = Reference("cus", help_text="Who pays.")
    subject = Reference("sbj", required=False, help_text="For which of the customer's subjects.")
    plan = Reference("pln", help_text="What is subscribed to.")
    interval = Interval(required=False)
    plan_version = Id("plv", required=False, help_text=OVERRIDE_HELP)


class ChangeIn(Input):
    plan = Reference("pln", required=False, help_text="Another plan of the same product.")
    interval = Interval(required=False)
    plan_version = Id("plv", required=False, help_text=OVERRIDE_HELP)
    timing = Choice(TIMINGS, required=False, help_text=OVERRIDE_HELP)
    anchor = Choice(AnchorRule, required=False, help_text=OVERRIDE_HELP)
    proration = Choice(Proration, required=False, help_text=OVERRIDE_HELP)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"plan", "interval", "plan_version"}:
            raise serializers.ValidationError(
                "Name a plan, an interval or a plan version.", code="nothing_given"
            )
        return attrs


class CancelIn(Input):
    when = Choice(
        When,
        default=When.PERIOD_END,
        help_text="`now` needs `subscriptions:override` and a reason.",
    )


class PutIn(Input):
    plan = Reference("pln", help_text="The plan that the owner shall have.")
    interval = Interval(required=False)


class MetadataField(serializers.DictField):
    child = Text(max_length=500, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        value: dict[str, str] = super().to_internal_value(data)
        if len(value) > 50 or not all(map(_METADATA_NAME.fullmatch, value)):
            raise serializers.ValidationError(
                "At most 50 entries, each named with 1 to 64 characters, no control characters.",
                code="invalid",
            )
        return value


class MetadataIn(Input):
    metadata = MetadataField(help_text="Your own notes; they replace all that were there.")


class PendingOut(Output):
    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    effective_at = Instant()
    plan = serializers.CharField(
        source="plan_version.plan.key",
        default=None,
        help_text="Where it leads; null where it ends for good.",
    )
    plan_version = serializers.CharField(source="plan_version_id", allow_null=True)
    interval = serializers.CharField(help_text="Empty where it ends for good.")
    created_at = Instant()


class SubscriptionOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    product = serializers.CharField(source="product.key")
    plan = serializers.CharField(source="plan_version.plan.key")
    plan_version = serializers.CharField(source="plan_version_id")
    interval = serializers.CharField()
    currency = serializers.CharField()
    quantity = serializers.IntegerField()
    state = serializers.ChoiceField(choices=State.choices)
    started_at = Instant()
    ended_at = Instant(allow_null=True)
    anchor = Instant(source="anchor_at", help_text="Where its periods are counted from.")
    zone = serializers.CharField()
    period_start = Instant()
    period_end = Instant(help_text="Not included: the next period begins here.")
    pending = PendingOut(source="pending_changes", many=True, help_text="What is agreed for later.")
    metadata = serializers.DictField(child=serializers.CharField())
    version = serializers.IntegerField(help_text="Counts its changes.")
    updated_at = Instant()


class DecisionOut(Output):
    timing = serializers.ChoiceField(choices=TIMINGS)
    anchor = serializers.ChoiceField(choices=list(AnchorRule))
    proration = serializers.ChoiceField(choices=list(Proration))
    settlement = serializers.ChoiceField(choices=list(Settlement))
    rule = serializers.CharField(help_text="The rule of the change policy that decided.")


class OutcomeOut(Output):
    """How a command on a subscription went."""

    example = {
        "decision": {
            "timing": "now",
            "anchor": "keep",
            "proration": "second",
            "settlement": "credit",
            "rule": "rank_up",
        },
        "replaced": [],
    }

    decision = DecisionOut(allow_null=True, help_text="Null where no policy was asked.")
    replaced = serializers.ListField(
        child=serializers.CharField(), help_text="Pending changes that this took away."
    )
