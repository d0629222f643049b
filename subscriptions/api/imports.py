"""Subscriptions that live elsewhere, brought here."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from core.api.fields import Choice, Id, Instant, Integer, Key, MoneyField, Reference, StrictBoolean
from core.api.operations import Changed, changes
from core.api.serializers import Input, Output
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Scope
from plans.terms import PauseMode
from subscriptions import services
from subscriptions.anchors import AnchorWish
from subscriptions.api.common import TAG, TURN
from subscriptions.api.serializers import AddOnQuantities, Interval, MetadataField, Quantity
from subscriptions.events import IMPORTED
from subscriptions.importing import Elsewhere, PausedThere
from subscriptions.services.import_items import Item
from subscriptions.services.importing import (
    MOST_AT_ONCE,
    ImportedByAnother,
    ImportRefused,
    Outcome,
)
from subscriptions.states import State

_ITEM = {
    "external_id": "old-4711",
    "customer": "shop-gmbh",
    "subject": "shop.example",
    "plan": "pro",
    "interval": "month",
    "started_at": "2024-01-31T00:00:00Z",
    "anchor": {"day_of_month": 31},
    "billed_through": "2026-02-28T00:00:00Z",
    "trial_spent": True,
}
_PAUSED = {
    "external_id": "old-4712",
    "customer": "bakery",
    "plan": "workers_paid",
    "started_at": "2025-06-01T00:00:00Z",
    "billed_through": "2026-03-01T00:00:00Z",
    "state": "paused",
    "paused_since": "2026-02-08T00:00:00Z",
    "pause_mode": "extend",
    "resumes_at": "2026-03-08T00:00:00Z",
}
_OUTCOME = {
    "external_id": "old-4711",
    "status": "imported",
    "subscription": "sub_01jd0000000000000000000006",
    "customer": "cus_01jd0000000000000000000001",
    "subject": "sbj_01jd0000000000000000000002",
    "in_place": True,
    "state": "active",
    "started_at": "2024-01-31T00:00:00Z",
    "period_start": "2026-01-31T00:00:00Z",
    "period_end": "2026-02-28T00:00:00Z",
    "billed_through": "2026-02-28T00:00:00Z",
    "first_charge": {
        "at": "2026-02-28T00:00:00Z",
        "amount": {"amount": 2500, "currency": "USD"},
    },
}
_PAUSED_OUTCOME = {
    "external_id": "old-4712",
    "status": "imported",
    "subscription": "sub_01jd0000000000000000000007",
    "customer": "cus_01jd0000000000000000000003",
    "subject": None,
    "in_place": True,
    "state": "paused",
    "started_at": "2025-06-01T00:00:00Z",
    "period_start": "2026-02-01T00:00:00Z",
    "period_end": "2026-03-01T00:00:00Z",
    "billed_through": "2026-03-01T00:00:00Z",
    "first_charge": {
        "at": "2026-03-29T00:00:00Z",
        "amount": {"amount": 500, "currency": "USD"},
    },
}


class ImportAnchorIn(Input):
    """Where periods are counted from: an instant or a day of the month."""

    at = Instant(required=False, help_text="From this instant, to its wall time; past or future.")
    day_of_month = Integer(
        min_value=1, max_value=31, required=False, help_text="That day, 00:00 local."
    )

    def validate(self, attrs: dict[str, Any]) -> Any:
        if len(attrs) != 1:
            raise serializers.ValidationError("Name one of at and day_of_month.", code="one_of")
        return AnchorWish(attrs.get("at"), attrs.get("day_of_month"))


class AddOnVersions(serializers.DictField):
    """``{add-on: version}``: the add-on by id or key, as in ``add_ons``."""

    child = Id("adv")

    def to_internal_value(self, data: Any) -> dict[str, str]:
        value: dict[str, str] = super().to_internal_value(data)
        add_on = Reference("ado")
        return {str(add_on.to_internal_value(key)): each for key, each in value.items()}


# What is said of a state and of no other, and whether it must be.
_OF_STATES: Mapping[str, tuple[State, bool]] = {
    "trial_end": (State.TRIALING, True),
    "paused_since": (State.PAUSED, True),
    "pause_mode": (State.PAUSED, False),
    "resumes_at": (State.PAUSED, False),
    "past_due_since": (State.PAST_DUE, True),
}


class ImportItemIn(Input):
    """One subscription as another system has it."""

    external_id = Key(
        help_text="Its name there. The same said a second time changes nothing; something else "
        "under that name is refused."
    )
    customer = Reference("cus", help_text="Who pays.")
    subject = Reference("sbj", required=False, help_text="For which of the customer's subjects.")
    plan = Reference("pln", help_text="What it is to be here.")
    plan_version = Id(
        "plv",
        required=False,
        help_text="Instead of the version that is sold now; it may be archived.",
    )
    interval = Interval(required=False)
    quantity = Quantity(required=False)
    add_ons = AddOnQuantities(required=False, help_text="What comes on top.")
    add_on_versions = AddOnVersions(
        required=False,
        help_text="Of `add_ons`, the versions that are not those sold now; they may be archived.",
    )
    state = Choice(
        [State.ACTIVE, State.TRIALING, State.PAUSED, State.PAST_DUE], default=State.ACTIVE
    )
    started_at = Instant(required=False, help_text="When it began there.")
    anchor = ImportAnchorIn(
        required=False,
        help_text="Where periods are counted from; else the trial's end, `started_at` or, without "
        "both, `billed_through`.",
    )
    billed_through = Instant(
        required=False,
        help_text="Until when it is billed there; beyond the open period, the end of a later one. "
        "What lies after it is charged here, at once where it has begun. In a pause: what it was "
        "when that began.",
    )
    trial_end = Instant(required=False, help_text="For `trialing`: when the trial ends.")
    paused_since = Instant(required=False, help_text="For `paused`: when the pause began.")
    pause_mode = Choice(
        PauseMode,
        required=False,
        help_text="For `paused`: what the pause does to money; without it the plan says.",
    )
    resumes_at = Instant(
        required=False, help_text="For `paused`: when it goes on; without it nobody knows."
    )
    past_due_since = Instant(
        required=False, help_text="For `past_due`: since when a payment is overdue."
    )
    trial_spent = StrictBoolean(default=False, help_text="Whether the trial was had there.")
    ends_at = Instant(required=False, help_text="When it ends, if it is canceled for later.")
    metadata = MetadataField(required=False, help_text="Your own notes.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.keys() >= {"paused_since", "past_due_since"}:
            raise _wrong(
                "past_due_since",
                "It is one or the other: import it as paused, and report the failed payment.",
                code="paused_and_past_due",
            )
        for name, (state, is_needed) in _OF_STATES.items():
            is_there, is_of_it = name in attrs, attrs["state"] == state
            if (is_there and not is_of_it) or (is_needed and is_of_it and not is_there):
                raise _wrong(name, f"It is given for {state}, and only then.", code=name)
        if attrs["state"] == State.TRIALING and "billed_through" in attrs:
            raise _wrong("billed_through", "Nothing is billed in a trial.", code="billed_in_trial")
        if attrs.get("add_on_versions", {}).keys() - attrs.get("add_ons", {}).keys():
            raise _wrong(
                "add_on_versions", "They are of what is in add_ons.", code="not_in_add_ons"
            )
        return attrs


def _wrong(name: str, detail: str, *, code: str) -> serializers.ValidationError:
    return serializers.ValidationError({name: detail}, code=code)


def as_item(data: dict[str, Any]) -> Item:
    """Return what a checked item says."""
    there = Elsewhere(
        started_at=data.get("started_at"),
        anchor=data.get("anchor"),
        trial_ends_at=data.get("trial_end"),
        billed_through=data.get("billed_through"),
        paused=_paused(data),
        past_due_since=data.get("past_due_since"),
    )
    return Item(
        external_id=data["external_id"],
        customer=data["customer"],
        plan=data["plan"],
        there=there,
        subject=data.get("subject"),
        version_id=data.get("plan_version"),
        interval=data.get("interval"),
        quantity=data.get("quantity"),
        add_ons=data.get("add_ons", {}),
        add_on_versions=data.get("add_on_versions", {}),
        trial_spent=data["trial_spent"],
        ends_at=data.get("ends_at"),
        metadata=data.get("metadata", {}),
    )


def _paused(data: dict[str, Any]) -> PausedThere | None:
    if "paused_since" not in data:
        return None
    mode = PauseMode(data["pause_mode"]) if "pause_mode" in data else None
    return PausedThere(data["paused_since"], mode, data.get("resumes_at"))


class ImportIn(Input):
    items = serializers.ListField(child=ImportItemIn(), min_length=1, max_length=MOST_AT_ONCE)
    dry_run = StrictBoolean(default=False, help_text="True: say what would happen, change nothing.")


class FirstChargeOut(Output):
    at = Instant()
    amount = MoneyField()


class ImportedOut(Output):
    external_id = serializers.CharField(source="item.external_id")
    status = serializers.SerializerMethodField(
        help_text="`imported`, or `already_imported`: it was here by this name and is left alone."
    )
    subscription = serializers.SerializerMethodField(
        help_text="Its id; null where a dry run would make one."
    )
    customer = serializers.CharField(source="row.customer_id")
    subject = serializers.CharField(source="row.subject_id", allow_null=True)
    in_place = serializers.SerializerMethodField(
        help_text="Whether a default free subscription becomes it, and keeps its id."
    )
    state = serializers.ChoiceField(source="row.state", choices=State.choices)
    started_at = Instant(source="row.started_at")
    period_start = Instant(source="row.period_start")
    period_end = Instant(source="row.period_end")
    billed_through = Instant(source="item.there.billed_through", allow_null=True)
    first_charge = FirstChargeOut(
        allow_null=True, help_text="The first charge here, if nothing changes until then."
    )

    def get_status(self, outcome: Outcome) -> str:
        return "already_imported" if outcome.was_there else "imported"

    def get_subscription(self, outcome: Outcome) -> str | None:
        if outcome.row is None or (outcome.is_new and self.context.get("dry_run")):
            return None
        return str(outcome.row.id)

    def get_in_place(self, outcome: Outcome) -> bool:
        return not outcome.is_new and not outcome.was_there


class ImportsOut(Output):
    dry_run = serializers.BooleanField()
    data = serializers.SerializerMethodField()  # type: ignore[assignment]  # the API's name

    def get_data(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        context = {**self.context, "dry_run": found["dry_run"]}
        return list(ImportedOut(found["data"], many=True, context=context).data)


class Imports(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_OVERRIDE}

    @changes(
        ImportIn,
        ImportsOut,
        status=(201, 200),
        tag=TAG,
        summary="Import subscriptions",
        description=(
            f"Up to {MOST_AT_ONCE} subscriptions that live in another system go on here: all of "
            "them or, if one cannot, none (422 `import_refused`, whose `errors` name each with the "
            "code that tells why). Nothing that is billed there is billed again. Of an exclusive "
            "product, a default free plan is changed in place. What is paused or past due there is "
            "so here. A dry run answers 200."
        ),
        problems=(*TURN, LimitedCaller, ImportRefused, ImportedByAnother),
        request_example={"items": [_ITEM, _PAUSED], "dry_run": False},
        response_example={"dry_run": False, "data": [_OUTCOME, _PAUSED_OUTCOME]},
        publishes=(IMPORTED.name,),
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        request.principal.require_unlimited()
        items = [as_item(each) for each in data["items"]]
        dry_run = data["dry_run"]
        outcomes = services.import_all(items=items, dry_run=dry_run)
        owners = sorted({each.row.customer_id for each in outcomes if each.row is not None})
        return Changed(
            {"dry_run": dry_run, "data": outcomes},
            customers=owners,
            status=200 if dry_run else 201,
        )
