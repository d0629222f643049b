"""Pauses, trials and anchors: what somebody who may override the policy does to time."""

from typing import Any

from core.api.operations import Changed, changes
from core.api.views import ApiRequest, ApiView
from core.periods import AnchorNotAllowed, UnknownZone
from core.principals import Principal, Scope
from plans.terms import PauseMode
from subscriptions import services
from subscriptions.api import examples
from subscriptions.api.common import ONE, TAG, TURN, answer, find_subscription
from subscriptions.api.outputs import OutcomeOut, SubscriptionOut
from subscriptions.api.serializers import MoveAnchorIn, PauseIn, ResumeIn, TrialIn
from subscriptions.models import Subscription
from subscriptions.services.anchor import NotStarted
from subscriptions.services.beginnings import DateInPast, DatesOutOfOrder
from subscriptions.services.pause import NotPaused, TrialIsExtended
from subscriptions.services.targets import NotWhilePaused
from subscriptions.services.trials import NotTrialing, TrialEndNotAhead
from subscriptions.states import TransitionNotAllowed

DATES = (DateInPast, DatesOutOfOrder)


def _find(reference: str, principal: Principal) -> Subscription:
    """:raises ScopeMissing: for callers who may not override the policy"""
    found = find_subscription(reference, principal)
    principal.require(Scope.SUBSCRIPTIONS_OVERRIDE)
    return found


class Pause(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        PauseIn,
        SubscriptionOut,
        tag=TAG,
        summary="Pause",
        description=(
            "`credit` gives back the rest of the period, and a new full period begins around the "
            "day of the resumption; `extend` moves no money and the end of the period by as long "
            "as the pause takes. What was agreed for the period's end moves with it, dates stay. "
            "Needs `subscriptions:override`. Pausing once more changes nothing."
        ),
        problems=(*TURN, *ONE, *DATES, TransitionNotAllowed, TrialIsExtended),
        request_example={"mode": "extend", "resumes_at": "2026-03-01T00:00:00Z"},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = _find(subscription, request.principal)
        return answer(
            services.pause(
                subscription_id=row.id,
                mode=PauseMode(data["mode"]) if "mode" in data else None,
                at=data.get("at"),
                resumes_at=data.get("resumes_at"),
            )
        )


class Resume(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        ResumeIn,
        SubscriptionOut,
        tag=TAG,
        summary="Resume",
        description=(
            "Ends a pause, now or at a date. Needs `subscriptions:override`. Where nothing is "
            "paused, nothing changes."
        ),
        problems=(*TURN, *ONE, *DATES, NotPaused),
        request_example=examples.REASON,
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = _find(subscription, request.principal)
        return answer(services.resume(subscription_id=row.id, at=data.get("at")))


class Trial(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        TrialIn,
        SubscriptionOut,
        tag=TAG,
        summary="Move the end of a trial",
        description=(
            "To a date, by calendar days, or to now. What was agreed for the trial's end moves "
            "with it. Needs `subscriptions:override`."
        ),
        problems=(*TURN, *ONE, NotTrialing, TrialEndNotAhead),
        request_example={"extend_days": 14},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = _find(subscription, request.principal)
        return answer(
            services.move_trial(
                subscription_id=row.id,
                end=data.get("end"),
                extend_days=data.get("extend_days"),
            )
        )


class Anchor(ApiView):
    scopes = {"POST": Scope.SUBSCRIPTIONS_WRITE}

    @changes(
        MoveAnchorIn,
        SubscriptionOut,
        tag=TAG,
        summary="Move what periods are counted from",
        description=(
            "Another anchor applies from its next recurrence at or after now: the open period is "
            "cut there, its rest credited, and a full one begins. Another zone applies from the "
            "end of the open period. Needs `subscriptions:override`."
        ),
        problems=(*TURN, *ONE, AnchorNotAllowed, NotStarted, NotWhilePaused, UnknownZone),
        request_example={"day_of_month": 1},
        response_example=examples.SUBSCRIPTION,
        outcome=OutcomeOut,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], subscription: str) -> Changed:
        row = _find(subscription, request.principal)
        if "zone" in data:
            return answer(services.move_zone(subscription_id=row.id, zone=data["zone"]))
        return answer(services.move_anchor(subscription_id=row.id, wish=data["anchor"]))
