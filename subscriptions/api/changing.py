"""Change a subscription, cancel it, and take back what was agreed."""

from typing import Any

from django.db.models import QuerySet

from core.acting import ReasonRequired, require_reason
from core.api.lists import Filter, Filters
from core.api.operations import Changed, changes, lists
from core.api.views import ApiRequest, ApiView
from core.periods import AnchorNotAllowed
from core.principals import Scope
from plans.change_rules import Settlement
from subscriptions import services
from subscriptions.api import examples
from subscriptions.api.common import (
    ONE,
    SALE,
    TAG,
    TURN,
    answer,
    find_subscription,
    may_override,
    override,
    wanted,
)
from subscriptions.api.outputs import OutcomeOut, PendingOut, SubscriptionOut
from subscriptions.api.serializers import AddOnIn, CancelIn, ChangeIn
from subscriptions.models import ChangeKind, PendingChange
from subscriptions.services.beginnings import DateInPast
from subscriptions.services.cancel import (
    ChangeNotFound,
    NotCanceling,
    NotUnscheduled,
    When,
)
from subscriptions.services.change import DateRequired, NothingToChange
from subscriptions.services.ends import AlreadyOnFallback
from subscriptions.services.past import PeriodClosed
from subscriptions.services.results import SubscriptionNotFound
from subscriptions.services.targets import DifferentProduct, NotWhilePaused
from subscriptions.services.wanted import Wanted

CHANGING = (*TURN, *SALE, *ONE, NothingToChange, NotWhilePaused, DateRequired)


class Change(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        ChangeIn,
        SubscriptionOut,
        tag=TAG,
        summary="Change plan, interval, quantity or add-ons",
        description=(
            "The product's change policy decides when: by default an upgrade acts now, a "
            "downgrade at the period's end. Of quantity and add-ons, more acts now and less at "
            "renewal. The answer names the rule that decided each part. A change for later "
            "replaces what was agreed before; a change now takes it away. With `effective_at` in "
            "the open period the past is corrected, and what was changed since stays changed."
        ),
        problems=(*CHANGING, DifferentProduct, AnchorNotAllowed, PeriodClosed),
        request_example={"plan": "pro", "interval": "month"},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        how = override(data, request.principal)
        return answer(services.change(subscription_id=row.id, wanted=wanted(data), override=how))


class AddOns(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        AddOnIn,
        SubscriptionOut,
        tag=TAG,
        summary="Add an add-on, or end one",
        description="The same as a change that names one add-on: more acts now, less at renewal.",
        problems=CHANGING,
        request_example={"add_on": "team_more_builds", "quantity": 2},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        asked = Wanted(add_ons={data["add_on"]: data["quantity"]})
        how = override({}, request.principal)
        return answer(services.change(subscription_id=row.id, wanted=asked, override=how))


class Cancel(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        CancelIn,
        SubscriptionOut,
        tag=TAG,
        summary="Cancel",
        description=(
            "The subscription falls back to the product's fallback plan, or ends where there is "
            "none: at the period's end, unless the product says otherwise. Until then it can be "
            "taken back with `uncancel`. One that has not begun ends at once."
        ),
        problems=(
            *TURN,
            *ONE,
            AlreadyOnFallback,
            DateInPast,
            PeriodClosed,
            ReasonRequired,
        ),
        request_example={"when": "period_end"},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        may_override(data, request.principal)
        when = When(data["when"]) if "when" in data else data.get("access_end")
        if when == When.NOW:
            request.principal.require_for_fields(Scope.SUBSCRIPTIONS_OVERRIDE, ["when"])
            require_reason()
        return answer(
            services.cancel(
                subscription_id=row.id,
                when=when,
                billing_end=data.get("billing_end"),
                settlement=Settlement(data["settlement"]) if "settlement" in data else None,
            )
        )


class Uncancel(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        None,
        SubscriptionOut,
        tag=TAG,
        summary="Take a cancellation back",
        description=(
            "Until it takes effect. A change that it had superseded does not come back; billing "
            "that had ended before access goes on."
        ),
        problems=(*TURN, *ONE, NotCanceling),
        request_example=examples.REASON,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = find_subscription(subscription, request.principal)
        return answer(services.uncancel(subscription_id=row.id))


class ScheduleFilters(Filters):
    kind = Filter.choice(ChangeKind, "kind", "Changes of this kind.")


class Schedule(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ}

    @lists(
        PendingOut,
        filters=ScheduleFilters,
        tag=TAG,
        summary="List what is agreed for later",
        description="Newest first. What has happened, or was taken back, is no longer listed.",
        problems=(SubscriptionNotFound,),
        response_example=examples.SUBSCRIPTION["pending"][0],
    )
    def get(self, request: ApiRequest, subscription: str) -> QuerySet[PendingChange]:
        row = find_subscription(subscription, request.principal)
        return (
            PendingChange.objects.pending()
            .filter(subscription=row)
            .select_related("plan_version__plan")
        )


class OneScheduled(ApiView):
    scopes = {"DELETE": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        None,
        SubscriptionOut,
        tag=TAG,
        summary="Take one agreed change back",
        description=(
            "By its id, until it takes effect. With the end of a subscription goes the earlier "
            "end of its billing. What begins a subscription is not taken back: cancel it."
        ),
        problems=(*TURN, *ONE, ChangeNotFound, NotUnscheduled),
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def delete(
        self, request: ApiRequest, data: dict[str, Any], subscription: str, change: str
    ) -> Changed:
        row = find_subscription(subscription, request.principal)
        return answer(services.unschedule(subscription_id=row.id, change_id=change))
