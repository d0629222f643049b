"""The shapes of what comes in about subscriptions."""

import re
from typing import Any

from rest_framework import serializers

from core.api.field_patterns import CONTROL
from core.api.fields import (
    Choice,
    Id,
    Instant,
    Integer,
    Reference,
    StrictBoolean,
    Text,
    Zone,
)
from core.api.serializers import Input
from plans.change_rules import AnchorRule, Proration, Settlement, Timing
from plans.terms import PauseMode
from subscriptions.anchors import AnchorWish
from subscriptions.services.cancel import When

TIMINGS = [Timing.NOW, Timing.PERIOD_END]
INTERVAL_HELP = "What it is paid for at a time: `month`, `year`; as the plan is sold."
OVERRIDE_HELP = "Instead of what the change policy says; needs `subscriptions:override`."
NEEDS_SCOPE = "Needs `subscriptions:override`."
MOST_UNITS = 1_000_000
MOST_TRIAL_DAYS = 3650
_METADATA_NAME = re.compile(f"[^{CONTROL}]{{1,64}}")


class Interval(Text):
    """A billing interval as the catalog writes it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=32, help_text=INTERVAL_HELP, **kwargs)


class Quantity(Integer):
    """How many of a plan: its seats, its licenses."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "How many, where the plan is sold per unit.")
        super().__init__(min_value=1, max_value=MOST_UNITS, **kwargs)


class AddOnQuantities(serializers.DictField):
    """``{add-on: quantity}``, by id or key; 0 takes one away."""

    child = Integer(min_value=0, max_value=MOST_UNITS)

    def to_internal_value(self, data: Any) -> dict[str, int]:
        value: dict[str, int] = super().to_internal_value(data)
        add_on = Reference("ado")
        return {str(add_on.to_internal_value(key)): each for key, each in value.items()}


def _one_of(*names: str) -> serializers.ValidationError:
    listed = f"{', '.join(names[:-1])} and {names[-1]}"
    return serializers.ValidationError(f"Name exactly one of {listed}.", code="one_of")


class AnchorIn(Input):
    """Where periods are counted from: an instant, a day of the month, or the calendar."""

    at = Instant(required=False, help_text="From this instant, to its wall time.")
    day_of_month = Integer(
        min_value=1, max_value=31, required=False, help_text="From the next such day, 00:00 local."
    )
    calendar = StrictBoolean(
        required=False,
        help_text="True: from the calendar's own next period, such as Monday or the 1st.",
    )

    def validate(self, attrs: dict[str, Any]) -> Any:
        if len(attrs) != 1 or attrs.get("calendar") is False:
            raise _one_of("at", "day_of_month", "calendar: true")
        return AnchorWish(attrs.get("at"), attrs.get("day_of_month"))


class MoveAnchorIn(AnchorIn):
    """An anchor to count from, from its next recurrence on, or a zone to count in."""

    zone = Zone(required=False, help_text="From the end of the open period, in this IANA zone.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        zone = attrs.get("zone")
        if zone is None:
            return {"anchor": super().validate(attrs)}
        if len(attrs) != 1:
            raise _one_of("at", "day_of_month", "calendar: true", "zone")
        return {"zone": zone}


class SubscribeIn(Input):
    customer = Reference("cus", help_text="Who pays.")
    subject = Reference("sbj", required=False, help_text="For which of the customer's subjects.")
    plan = Reference("pln", help_text="What is subscribed to.")
    interval = Interval(required=False)
    quantity = Quantity(required=False)
    add_ons = AddOnQuantities(required=False, help_text="Add-ons to begin with.")
    plan_version = Id("plv", required=False, help_text=OVERRIDE_HELP)
    anchor = AnchorIn(required=False, help_text="Where periods are counted from. " + NEEDS_SCOPE)
    trial_days = Integer(
        min_value=0,
        max_value=MOST_TRIAL_DAYS,
        required=False,
        help_text="Instead of the plan's trial; 0 for none. " + NEEDS_SCOPE,
    )
    access_start = Instant(
        required=False, help_text="When it begins; pending until then. " + NEEDS_SCOPE
    )
    billing_start = Instant(
        required=False, help_text="Nothing is charged before it. " + NEEDS_SCOPE
    )
    ends_at = Instant(required=False, help_text="When it ends, agreed at once. " + NEEDS_SCOPE)


class ChangeIn(Input):
    plan = Reference("pln", required=False, help_text="Another plan of the same product.")
    interval = Interval(required=False)
    quantity = Quantity(required=False)
    add_ons = AddOnQuantities(required=False, help_text="Only those named change; 0 ends one.")
    plan_version = Id("plv", required=False, help_text=OVERRIDE_HELP)
    timing = Choice(TIMINGS, required=False, help_text=OVERRIDE_HELP)
    anchor = Choice(AnchorRule, required=False, help_text=OVERRIDE_HELP)
    proration = Choice(Proration, required=False, help_text=OVERRIDE_HELP)
    settlement = Choice(Settlement, required=False, help_text=OVERRIDE_HELP)
    effective_at = Instant(
        required=False,
        help_text="The date of the change, ahead or in the open period. " + NEEDS_SCOPE,
    )
    keep_pending = StrictBoolean(
        required=False,
        help_text="Leave a planned change or end on the schedule. " + NEEDS_SCOPE,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"plan", "interval", "plan_version", "quantity", "add_ons"}:
            raise serializers.ValidationError(
                "Name a plan, an interval, a plan version, a quantity or add-ons.",
                code="nothing_given",
            )
        if attrs.keys() >= {"timing", "effective_at"}:
            raise _one_of("timing", "effective_at")
        return attrs


class CancelIn(Input):
    when = Choice(
        When,
        required=False,
        help_text="When access ends; without a word, as the product says. `now` needs "
        "`subscriptions:override` and a reason.",
    )
    access_end = Instant(
        required=False,
        help_text="A date instead, ahead or in the open period. " + NEEDS_SCOPE,
    )
    billing_end = Instant(
        required=False, help_text="When billing ends, if not with access. " + NEEDS_SCOPE
    )
    settlement = Choice(
        Settlement,
        required=False,
        help_text="What becomes of what was paid beyond the end; without a word, as the product "
        "says. " + NEEDS_SCOPE,
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.keys() >= {"when", "access_end"}:
            raise _one_of("when", "access_end")
        return attrs


class PauseIn(Input):
    mode = Choice(
        PauseMode,
        required=False,
        help_text="`credit` the rest of the period, or `extend` it by the pause; without a word, "
        "as the plan says. A trial is only extended.",
    )
    at = Instant(required=False, help_text="When it begins; now unless told.")
    resumes_at = Instant(required=False, help_text="When it ends; open unless told.")


class ResumeIn(Input):
    at = Instant(required=False, help_text="When it goes on; now unless told.")


class TrialIn(Input):
    """Where a trial shall end: at a date, some calendar days later, or now."""

    end = Instant(required=False, help_text="This date, which lies ahead.")
    extend_days = Integer(
        min_value=1,
        max_value=MOST_TRIAL_DAYS,
        required=False,
        help_text="So many calendar days later.",
    )
    end_now = StrictBoolean(required=False, help_text="True: now, with what the plan says follows.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1 or attrs.get("end_now") is False:
            raise _one_of("end", "extend_days", "end_now: true")
        return attrs


class AddOnIn(Input):
    add_on = Reference("ado", help_text="Which add-on, by id or key.")
    quantity = Integer(
        min_value=0, max_value=MOST_UNITS, default=1, help_text="How many; 0 ends it."
    )


class PutIn(Input):
    plan = Reference("pln", help_text="The plan that the owner shall have.")
    interval = Interval(required=False)
    quantity = Quantity(required=False)
    add_ons = AddOnQuantities(required=False, help_text="Only those named change; 0 ends one.")


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
