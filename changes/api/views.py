"""Change sets: preview, approve, apply, and take back."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from changes import queries, services
from changes.api import asking, examples
from changes.api.serializers import ChangeSetIn, ChangeSetItemOut, ChangeSetOut
from changes.models import ChangeSet, ChangeSetItem
from changes.services import (
    ChangeSetNotFound,
    Expired,
    NothingSelected,
    NotYet,
    Stale,
    TooFarAhead,
    TooManyForAllOrNothing,
)
from changes.states import ItemState, State, WrongState
from changes.undoing import CannotBeUndone
from core.acting import ReasonRequired
from core.api.lists import Filter, Filters
from core.api.lookups import find, visible
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.money import AmountOutOfRange
from core.periods import AnchorNotAllowed, UnknownZone
from core.principals import LimitedCaller, Principal, Scope
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import CustomerNotFound, InstantPassed
from entitlements.override_services import OverrideDatesNotAllowed, OverrideExists
from entitlements.overrides import ModeNotAllowed, WindowRequired
from entitlements.queries.checks import FeatureOfCustomer, SubjectRequired
from plans.errors import FeatureNotFound, ProductNotFound
from plans.numbers import MalformedValue
from subscriptions.api.common import ONE, SALE, TURN
from subscriptions.services.anchor import NotStarted
from subscriptions.services.beginnings import DateInPast, DatesOutOfOrder
from subscriptions.services.blocks import AlreadyBlocked, BlockDatesNotAllowed
from subscriptions.services.cancel import NotCanceling
from subscriptions.services.change import DateRequired, NothingToChange
from subscriptions.services.ends import AlreadyOnFallback
from subscriptions.services.past import PeriodClosed
from subscriptions.services.pause import NotPaused, TrialIsExtended
from subscriptions.services.results import WrongOwner
from subscriptions.services.subscribe import AlreadySubscribed
from subscriptions.services.targets import DifferentProduct, NoLimitsToKeep, NotWhilePaused
from subscriptions.states import TransitionNotAllowed

TAG = "change sets"
# What the commands of operations may refuse.
COMMANDS = (
    *TURN,
    *SALE,
    *ONE,
    AlreadyBlocked,
    AlreadyOnFallback,
    AlreadySubscribed,
    AmountOutOfRange,
    AnchorNotAllowed,
    BlockDatesNotAllowed,
    DateInPast,
    DateRequired,
    DatesOutOfOrder,
    DifferentProduct,
    FeatureNotFound,
    FeatureOfCustomer,
    MalformedValue,
    ModeNotAllowed,
    NotCanceling,
    NotPaused,
    NotStarted,
    NoLimitsToKeep,
    NothingToChange,
    NotWhilePaused,
    OverrideDatesNotAllowed,
    OverrideExists,
    PeriodClosed,
    SubjectEnded,
    SubjectRequired,
    TransitionNotAllowed,
    TrialIsExtended,
    UnknownZone,
    WindowRequired,
    WrongOwner,
)
DECIDING = (ChangeSetNotFound, WrongState)


class ChangeSetFilters(Filters):
    state = Filter.choice(State, "state", "In this state.")
    customer = Filter.reference(
        "cus", "customer_id", "Of one subscription of this customer.", key_path="customer__key"
    )
    subscription = Filter.reference("sub", "items__subscription_id", "With this subscription.")
    undoes = Filter.reference("chs", "undoes_id", "That undo this one.")
    created_after = Filter.after("created_at", "Made at or after this instant.")
    created_before = Filter.before("created_at", "Made before this instant.")


class ChangeSets(ApiView):
    scopes = {"GET": Scope.CHANGES_READ, "POST": Scope.CHANGES_WRITE}

    @lists(
        ChangeSetOut,
        filters=ChangeSetFilters,
        tag=TAG,
        summary="List change sets",
        description="Newest first. Callers limited to a customer see those of one subscription.",
        response_example=examples.CHANGE_SET,
    )
    def get(self, request: ApiRequest) -> QuerySet[ChangeSet]:
        return visible(queries.change_sets(), request.principal)

    @changes(
        ChangeSetIn,
        ChangeSetOut,
        status=201,
        tag=TAG,
        summary="Preview a change",
        description=(
            "Runs the commands on one subscription and rolls them back: the answer shows money, "
            "entitlements, documents for product services and warnings, and `apply` then does "
            "exactly this or answers 409 `change_set_stale`. What the commands refuse is answered "
            "here. With a selector, workers preview each subscription that it finds."
        ),
        problems=(
            *COMMANDS,
            CustomerNotFound,
            SubjectNotFound,
            ProductNotFound,
            NothingSelected,
            TooManyForAllOrNothing,
            TooFarAhead,
            InstantPassed,
            LimitedCaller,
            ReasonRequired,
        ),
        request_example=examples.CHANGE_SET_IN,
        response_example=examples.CHANGE_SET,
    )
    def post(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        principal = request.principal
        sent: Any = request.data
        asked = asking.asked(data, sent["operations"], principal)
        if "selector" in data:
            row = services.create_selected(
                selector=asking.selector(data["selector"], sent["selector"], principal),
                asked=asked,
                all_or_nothing=data["all_or_nothing"],
            )
        else:
            row = services.create(
                whose=asking.whose(data, principal),
                asked=asked,
                effective_at=data.get("effective_at"),
            )
        return _answer(row)


class OneChangeSet(ApiView):
    scopes = {"GET": Scope.CHANGES_READ}

    @reads(
        ChangeSetOut,
        tag=TAG,
        summary="Get a change set",
        description="With its item where it is of one subscription, else with totals.",
        problems=(ChangeSetNotFound,),
        response_example=examples.CHANGE_SET,
    )
    def get(self, request: ApiRequest, change_set: str) -> ChangeSet:
        return _find(change_set, request.principal)


class ItemFilters(Filters):
    state = Filter.choice(ItemState, "state", "In this state.")
    customer = Filter.reference("cus", "customer_id", "Of this customer.", key_path="customer__key")
    subscription = Filter.reference("sub", "subscription_id", "Of this subscription.")
    problem = Filter.text("error_code", "With this problem code.", max_length=64)


class Items(ApiView):
    scopes = {"GET": Scope.CHANGES_READ}

    @lists(
        ChangeSetItemOut,
        filters=ItemFilters,
        order="place",
        tag=TAG,
        summary="List the items of a change set",
        description="One per subscription, in the order in which they are worked on.",
        problems=(ChangeSetNotFound,),
        response_example=examples.ITEM,
    )
    def get(self, request: ApiRequest, change_set: str) -> QuerySet[ChangeSetItem]:
        return ChangeSetItem.objects.filter(change_set=_find(change_set, request.principal))


class Approve(ApiView):
    scopes = {"POST": Scope.CHANGES_APPROVE}

    @changes(
        None,
        ChangeSetOut,
        tag=TAG,
        summary="Approve a change set",
        description="A change set with a selector is applied only once somebody has approved it.",
        problems=(*DECIDING, Expired),
        request_example=examples.REASON,
        response_example=examples.CHANGE_SET,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        return _decide(request, change_set, services.approve)


class Apply(ApiView):
    scopes = {"POST": Scope.CHANGES_WRITE}

    @changes(
        None,
        ChangeSetOut,
        tag=TAG,
        summary="Apply a change set",
        description=(
            "Does what was previewed, at the instant of the preview. If something that the preview "
            "depends on has moved: 409 `change_set_stale`, and nothing is done. One subscription, "
            "and all or nothing, is applied when this answers; otherwise workers apply item by "
            "item, and an item that is stale is left out. A paused one goes on. Once more changes "
            "nothing."
        ),
        problems=(*DECIDING, *COMMANDS, Expired, Stale, NotYet, CannotBeUndone),
        request_example=examples.REASON,
        response_example={**examples.CHANGE_SET, "state": "applied"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        return _decide(request, change_set, services.apply)


class Pause(ApiView):
    scopes = {"POST": Scope.CHANGES_WRITE}

    @changes(
        None,
        ChangeSetOut,
        tag=TAG,
        summary="Pause the applying",
        description="What is under way is finished; `apply` goes on with the rest.",
        problems=DECIDING,
        request_example=examples.REASON,
        response_example={**examples.CHANGE_SET, "state": "paused"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        return _decide(request, change_set, services.pause)


class Stop(ApiView):
    scopes = {"POST": Scope.CHANGES_WRITE}

    @changes(
        None,
        ChangeSetOut,
        tag=TAG,
        summary="Stop the applying for good",
        description="What was applied stays, the rest is skipped.",
        problems=DECIDING,
        request_example=examples.REASON,
        response_example={**examples.CHANGE_SET, "state": "partly_applied"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        return _decide(request, change_set, services.stop)


class Discard(ApiView):
    scopes = {"POST": Scope.CHANGES_WRITE}

    @changes(
        None,
        ChangeSetOut,
        tag=TAG,
        summary="Discard a change set",
        description="One that was not begun.",
        problems=DECIDING,
        request_example=examples.REASON,
        response_example={**examples.CHANGE_SET, "state": "discarded"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        return _decide(request, change_set, services.discard)


class Undo(ApiView):
    scopes = {"POST": Scope.CHANGES_WRITE}

    @changes(
        None,
        ChangeSetOut,
        status=201,
        tag=TAG,
        summary="Preview the undo of a change set",
        description=(
            "Makes a new change set that leads what was applied back to what it was before, from "
            "now on; it is approved and applied like every other one. A subscription that has "
            "changed since: 409 `change_set_stale`, or a stale item."
        ),
        problems=(*DECIDING, *COMMANDS, NothingSelected, Stale, CannotBeUndone),
        request_example=examples.REASON,
        response_example=examples.CHANGE_SET,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], change_set: str) -> Changed:
        found = _find(change_set, request.principal)
        _check_rights(found, request.principal)
        return _answer(services.undo(change_set_id=found.id))


def _find(reference: str, principal: Principal) -> ChangeSet:
    """:raises ChangeSetNotFound: if there is none, or it is another tenant's"""
    return find(
        queries.change_sets(),
        reference,
        prefix="chs",
        missing=ChangeSetNotFound,
        principal=principal,
        key_field=None,
    )


def _decide(request: ApiRequest, reference: str, service: Callable[..., ChangeSet]) -> Changed:
    found = _find(reference, request.principal)
    _check_rights(found, request.principal)
    return _answer(service(change_set_id=found.id), before=found.state)


def _check_rights(row: ChangeSet, principal: Principal) -> None:
    """Who may not override the policy does not carry out what somebody else may.

    :raises ScopeMissing: naming the scope
    """
    if row.may_override and row.undoes_id is None:
        principal.require(Scope.SUBSCRIPTIONS_OVERRIDE)


def _answer(row: ChangeSet, *, before: str | None = None) -> Changed:
    shown = queries.change_sets().get(pk=row.pk)
    moved = before is not None and before != shown.state
    return Changed(
        shown,
        customers=[row.customer_id] if row.customer_id else [],
        changes=[Change("state", before, str(shown.state))] if moved else [],
    )
