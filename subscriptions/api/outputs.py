"""The shapes of what is answered about subscriptions."""

from rest_framework import serializers

from core.api.fields import Instant
from core.api.serializers import Output
from plans.change_rules import AnchorRule, Proration, Settlement, Timing
from subscriptions.models import Cause, ChangeKind, PendingChange, Subscription
from subscriptions.planned import Kind
from subscriptions.services.results import add_ons_of
from subscriptions.states import State
from subscriptions.timeline import Line


class PendingOut(Output):
    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=ChangeKind.choices)
    add_on = serializers.CharField(
        source="key", help_text="The add-on's key, for kind add_on; else empty."
    )
    effective_at = Instant()
    quantity = serializers.SerializerMethodField(help_text="What it becomes; else null.")
    plan = serializers.CharField(
        source="plan_version.plan.key",
        default=None,
        help_text="Where it leads; null where it ends for good.",
    )
    plan_version = serializers.CharField(source="plan_version_id", allow_null=True)
    interval = serializers.CharField(help_text="Empty where it is about something else.")
    keep_higher_limits = serializers.SerializerMethodField(
        help_text="Limits that the present version gives more of stay."
    )
    created_at = Instant()

    def get_keep_higher_limits(self, change: PendingChange) -> bool:
        return bool(change.details.get("keep_higher_limits"))

    def get_quantity(self, change: PendingChange) -> int | None:
        add_on = change.details.get("add_on")
        quantity: int | None = add_on["quantity"] if add_on else change.details.get("quantity")
        return quantity


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
    add_ons = serializers.SerializerMethodField(help_text="Add-on keys with their quantities.")
    limits_kept_from = serializers.ListField(
        child=serializers.CharField(),
        source="term.limits_of",
        help_text="Earlier versions of the plan whose limits still count where they are higher.",
    )
    state = serializers.ChoiceField(choices=State.choices)
    started_at = Instant()
    ended_at = Instant(allow_null=True)
    trial_end = Instant(
        source="term.trial_ends_at", allow_null=True, help_text="Not included; while trialing."
    )
    billed = serializers.BooleanField(
        source="term.is_billed",
        help_text="False before billing begins and after it has ended, where access differs.",
    )
    paused_since = Instant(source="term.paused_since", allow_null=True)
    pause_mode = serializers.CharField(
        source="term.pause_mode", help_text="credit or extend while paused, else empty."
    )
    anchor = Instant(source="term.anchor_at", help_text="Where its periods are counted from.")
    anchor_day = serializers.IntegerField(
        source="term.anchor_day",
        allow_null=True,
        help_text="The day of the month that is kept, where the anchor's own month is shorter.",
    )
    extended_seconds = serializers.IntegerField(
        source="term.shift_seconds", help_text="How much pauses have moved its boundaries by."
    )
    zone = serializers.CharField(source="term.zone")
    period_start = Instant()
    period_end = Instant(help_text="Not included: the next period begins here.")
    pending = PendingOut(source="pending_changes", many=True, help_text="What is agreed for later.")
    projected = serializers.SerializerMethodField(
        help_text="The instant asked for lies ahead; renewals are taken to succeed."
    )
    metadata = serializers.DictField(child=serializers.CharField())
    version = serializers.IntegerField(help_text="Counts its changes.")
    updated_at = Instant()

    def get_projected(self, row: Subscription) -> bool:
        return bool(getattr(row, "projected", False))

    def get_add_ons(self, row: Subscription) -> dict[str, int]:
        return {key: held["quantity"] for key, held in row.term.add_ons.items()}


class DecisionOut(Output):
    timing = serializers.ChoiceField(choices=list(Timing))
    anchor = serializers.ChoiceField(choices=list(AnchorRule))
    proration = serializers.ChoiceField(choices=list(Proration))
    settlement = serializers.ChoiceField(choices=list(Settlement))
    rule = serializers.CharField(help_text="The rule of the change policy that decided.")


class PartOut(DecisionOut):
    """How one part of a change happens."""

    kind = serializers.ChoiceField(choices=[Kind.PLAN, Kind.QUANTITY, Kind.ADD_ON])
    add_on = serializers.CharField(help_text="The add-on's key, for kind add_on; else empty.")
    effective_at = Instant(help_text="When it happens, or did.")


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
        "parts": [
            {
                "timing": "now",
                "anchor": "keep",
                "proration": "second",
                "settlement": "credit",
                "rule": "rank_up",
                "kind": "plan",
                "add_on": "",
                "effective_at": "2026-02-02T10:00:00Z",
            }
        ],
        "replaced": [],
    }

    decision = DecisionOut(
        allow_null=True,
        help_text="How the plan changes or, if it stays, the first part; null where no policy was "
        "asked.",
    )
    parts = PartOut(many=True, help_text="Each part of a change, and which rule decided when.")
    replaced = serializers.ListField(
        child=serializers.CharField(), help_text="Pending changes that this took away."
    )


class EntryOut(Output):
    """What a subscription is from an instant until its next entry."""

    id = serializers.SerializerMethodField(help_text="Null for what is only agreed.")
    subscription = serializers.CharField(source="subscription_id")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    product = serializers.CharField(source="product_key")
    starts_at = Instant(source="entry.starts_at")
    agreed = serializers.BooleanField(
        source="is_agreed", help_text="It lies ahead, and will be so if nothing else happens."
    )
    cause = serializers.ChoiceField(source="entry.cause", choices=Cause.choices)
    plan = serializers.CharField(source="agreement.terms.plan_key")
    plan_version = serializers.CharField(source="agreement.terms.version_id")
    interval = serializers.CharField(source="agreement.interval")
    quantity = serializers.IntegerField(source="agreement.quantity")
    add_ons = serializers.SerializerMethodField(help_text="Add-on keys with their quantities.")
    limits_kept_from = serializers.ListField(
        child=serializers.CharField(),
        source="agreement.limits_of",
        help_text="Earlier versions of the plan whose limits still count where they are higher.",
    )
    state = serializers.ChoiceField(source="agreement.state", choices=State.choices)
    trial_end = Instant(source="agreement.trial.ends_at", default=None, allow_null=True)
    billed = serializers.BooleanField(source="agreement.is_billed")
    period_start = Instant(source="agreement.period.start", help_text="The period open at first.")
    period_end = Instant(source="agreement.period.end")
    anchor = Instant(source="agreement.cycle.anchor.at")
    zone = serializers.CharField(source="agreement.cycle.zone")
    decision = serializers.DictField(
        source="entry.decision", help_text="How it was decided, as far as it was."
    )
    recorded_at = Instant(
        source="entry.recorded_at",
        whole=False,
        allow_null=True,
        help_text="When it became known, in the machine's time.",
    )
    actor = serializers.CharField(
        help_text="Who did it; empty for callers that are limited to one customer."
    )
    reason = serializers.CharField(help_text="Why, as it was said. For the same callers.")

    def get_id(self, line: Line) -> str | None:
        return line.entry.id or None

    def get_add_ons(self, line: Line) -> dict[str, int]:
        return add_ons_of(line.agreement)
