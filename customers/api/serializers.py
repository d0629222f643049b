"""The shapes of customers, subjects, test clocks and events at the API."""

from typing import Any

from rest_framework import serializers

from core.api.fields import CurrencyCode, Instant, Key, Reference, Text, Zone
from core.api.serializers import Input, Output
from core.models import Event
from customers.models import Customer, TestClock
from customers.services import MOST_SUBJECTS_AT_ONCE

_OURS_ALONE = "Null for callers that are limited to one customer."


class PlanChoices(serializers.DictField):
    """``{product: plan}``, by id or key."""

    child = Reference("pln")


class ProfileIn(Input):
    name = Text(max_length=200, required=False, help_text="Who the customer is to people.")
    email = Text(max_length=254, required=False, help_text="Where mail to the customer goes.")


class ProfileOut(Output):
    name = serializers.CharField()
    email = serializers.CharField()


class CustomerIn(Input):
    key = Key(required=False, help_text="Your own identifier for this customer.")
    currency = CurrencyCode(help_text="What this customer is charged in.")
    zone = Zone(default="UTC", help_text="Where this customer's days begin.")
    profile = ProfileIn(required=False)
    test_clock = Reference(
        "clk", required=False, help_text="Live by this test clock instead of real time, for good."
    )
    plans = PlanChoices(required=False, help_text="Plans to begin on instead of the default ones.")


class CustomerChangeIn(Input):
    profile = ProfileIn(help_text="What is given replaces what was there.")


class CustomerOut(Output):
    id = serializers.CharField()
    key = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    zone = serializers.CharField()
    profile = ProfileOut()
    test_clock = serializers.CharField(source="test_clock_id", allow_null=True)
    billing_anchor = Instant(
        source="billing_anchor_at",
        allow_null=True,
        help_text="What monthly purchases are aligned with.",
    )
    payment_method_on_file = serializers.BooleanField(
        help_text="Whether there is something to charge; trials may end as paid only then."
    )
    created_at = Instant()
    closed_at = Instant(allow_null=True)
    parked = serializers.SerializerMethodField(
        help_text="Due work failed; commands wait for staff."
    )

    def get_parked(self, customer: Customer) -> bool:
        return customer.parked_at is not None


class SubjectIn(Input):
    key = Key(required=False, help_text="Your own identifier, unique per customer.")
    kind = Text(max_length=64, help_text="What it is: zone, site, project, …")
    plans = PlanChoices(required=False, help_text="Plans to begin on instead of the default ones.")


class SubjectsIn(Input):
    subjects = serializers.ListField(
        child=SubjectIn(), min_length=1, max_length=MOST_SUBJECTS_AT_ONCE
    )


class SubjectOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    key = serializers.CharField(allow_null=True)
    kind = serializers.CharField()
    created_at = Instant()
    ended_at = Instant(allow_null=True)


class SubjectsOut(Output):
    data = SubjectOut(many=True)  # type: ignore[assignment]  # the API's name, not DRF's property


class ClockIn(Input):
    name = Text(max_length=200, required=False, default="")
    frozen_at = Instant(help_text="Where the clock stands at first.")


class AdvanceIn(Input):
    to = Instant(help_text="Where the clock goes; everything due on the way is done.")


class ClockOut(Output):
    id = serializers.CharField()
    name = serializers.CharField()
    frozen_at = Instant(help_text="Where the clock stands.")
    advancing_to = Instant(allow_null=True)
    status = serializers.ChoiceField(choices=["ready", "advancing"])
    parked_customers = serializers.SerializerMethodField(
        help_text="Customers whose due work failed on the way."
    )
    created_at = Instant()

    def get_parked_customers(self, clock: TestClock) -> int:
        counted: int | None = getattr(clock, "parked_count", None)  # by a list, for all its rows
        return (
            clock.customers.filter(parked_at__isnull=False).count() if counted is None else counted
        )


class EventOut(Output):
    id = serializers.CharField()
    type = serializers.CharField()
    customer = serializers.CharField(source="customer_id", allow_null=True)
    subject = serializers.CharField(source="subject_id", allow_null=True)
    sequence = serializers.IntegerField(help_text="Counts this customer's events.")
    position = serializers.IntegerField(
        allow_null=True, help_text="Orders all events; null for the moment after a commit."
    )
    occurred_at = Instant(help_text="The customer's time.")
    recorded_at = Instant(help_text="The machine's time.")
    actor = serializers.SerializerMethodField(help_text=f"Who did it. {_OURS_ALONE}")
    reason = serializers.SerializerMethodField(help_text=f"Why, if it was said. {_OURS_ALONE}")
    data = serializers.SerializerMethodField()  # type: ignore[assignment]  # the API's name

    def get_actor(self, event: Event) -> str | None:
        return None if self._is_for_one_customer() else event.actor

    def get_reason(self, event: Event) -> str | None:
        return None if self._is_for_one_customer() else event.reason

    def _is_for_one_customer(self) -> bool:
        return self.context["request"].principal.customer_id is not None

    def get_data(self, event: Event) -> dict[str, Any]:
        return dict(event.data)
