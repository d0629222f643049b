"""Overrides: what an owner is given beside all that is sold."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from core.acting import ReasonRequired
from core.api.fields import Choice, Instant, MoneyField, Reference, StrictBoolean
from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.serializers import Input, Output
from core.api.views import ApiRequest, ApiView
from core.money import AmountOutOfRange
from core.principals import LimitedCaller, Principal, Scope
from customers.lookups import find_customer, find_subject
from customers.models import Customer
from customers.queries import now_of
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import (
    CatchingUp,
    ClockAdvancing,
    CustomerClosed,
    CustomerNotFound,
    CustomerParked,
)
from entitlements import catalog, overrides
from entitlements import override_services as services
from entitlements.api import examples
from entitlements.api.serializers import Form
from entitlements.models import Override
from entitlements.override_services import (
    NewOverride,
    OverrideDatesNotAllowed,
    OverrideExists,
    OverrideNotFound,
    OverrideNotWaiting,
    OwnOverride,
)
from entitlements.overrides import MEANINGS, Mode, ModeNotAllowed, State, WindowRequired
from entitlements.queries.checks import FeatureOfCustomer, SubjectRequired
from plans.errors import FeatureNotFound
from plans.numbers import MalformedValue
from plans.terms import FeatureTerms

TAG = "overrides"
_OURS_ALONE = "Null for callers that are limited to one customer."
_TURN = (CustomerNotFound, CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp)
_STATES = "; ".join(f"`{state}`: {meaning}" for state, meaning in MEANINGS.items())


class OverrideIn(Input):
    feature = Reference("ftr", help_text="The feature's key or id.")
    value = Form(
        help_text="As the feature's values are written in the catalog: a limit is an integer or "
        '`{"unlimited": true}`, a metered value an object. Of a metered feature, `at_least` and '
        "`add` take `included` alone; `set` takes the whole value."
    )
    mode = Choice(
        Mode,
        required=False,
        help_text="`at_least` raises what is there, `set` takes its place, `add` adds to it. "
        "Without: `at_least` for limits and metered features, `set` for others.",
    )
    subject = Reference(
        "sbj", required=False, help_text="The subject that has it; a customer's feature needs none."
    )
    starts_at = Instant(required=False, help_text="When it begins, ahead; without: now.")
    expires_at = Instant(required=False, help_text="When it is over, not included; without: never.")
    supersede = StrictBoolean(
        required=False, help_text="True: an override that is in the way ends where this one begins."
    )


class OverrideOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    feature = serializers.CharField(source="feature.key")
    mode = Choice(Mode)
    value = Form()
    state = Choice(State, help_text=_STATES)
    starts_at = Instant()
    expires_at = Instant(allow_null=True, help_text="Not included; null: never.")
    reason = serializers.SerializerMethodField(help_text=_OURS_ALONE)
    value_given = serializers.SerializerMethodField(
        help_text="What it gives away: how much more than without it when it began, at the "
        "feature's list price, for its months, or for twelve where it never expires. Null: no list "
        "price in the customer's currency, no number, or less. Null for callers that are limited "
        "to one customer."
    )
    created_at = Instant()
    created_by = serializers.SerializerMethodField(help_text=_OURS_ALONE)
    needs_approval = serializers.BooleanField()
    approved_at = Instant(allow_null=True)
    approved_by = serializers.SerializerMethodField(help_text=_OURS_ALONE)
    rejected_at = Instant(allow_null=True)
    rejected_by = serializers.SerializerMethodField(help_text=_OURS_ALONE)
    superseded_at = Instant(allow_null=True, help_text="Another one holds from here on.")
    superseded_by = serializers.CharField(source="superseded_by_id", allow_null=True)
    revoked_at = Instant(allow_null=True)
    revoked_by = serializers.SerializerMethodField(help_text=_OURS_ALONE)

    def get_reason(self, row: Override) -> str | None:
        return self._ours(row.reason)

    def get_value_given(self, row: Override) -> dict[str, Any] | None:
        if row.worth is None or not self._is_for_us():
            return None
        return MoneyField().to_representation(row.worth)

    def get_created_by(self, row: Override) -> str | None:
        return self._ours(row.created_by)

    def get_approved_by(self, row: Override) -> str | None:
        return self._ours(row.approved_by)

    def get_rejected_by(self, row: Override) -> str | None:
        return self._ours(row.rejected_by)

    def get_revoked_by(self, row: Override) -> str | None:
        return self._ours(row.revoked_by)

    def _ours(self, text: str) -> str | None:
        return text or None if self._is_for_us() else None

    def _is_for_us(self) -> bool:
        return self.context["request"].principal.customer_id is None


class OverrideFilters(Filters):
    subject = Filter.reference("sbj", "subject_id", "Of this subject.", key_path="subject__key")
    feature = Filter.reference("ftr", "feature_id", "Of this feature.", key_path="feature__key")
    state = Filter.choice(State, "state", "In this state now.")
    from_ = Filter.after("starts_at", "That begin at or after this instant, the customer's time.")
    to = Filter.before("starts_at", "That begin before this instant, the customer's time.")


class Overrides(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ, "POST": Scope.OVERRIDES_WRITE}

    @lists(
        OverrideOut,
        filters=OverrideFilters,
        tag=TAG,
        summary="List a customer's overrides",
        description="Newest first, those of its subjects and those that are over included.",
        problems=(CustomerNotFound,),
        response_example=examples.OVERRIDE,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Override]:
        return _visible(find_customer(customer, request.principal), request.principal)

    @changes(
        OverrideIn,
        OverrideOut,
        status=201,
        tag=TAG,
        summary="Give an owner more, or less, than what is sold",
        description=(
            "One feature of the customer or of one of its subjects is set, raised or added to, "
            "from now or a later instant on, for a stated reason. It needs no plan. If what it "
            "gives away is above the installation's threshold it is `waiting` and has no effect "
            "until somebody else approves it."
        ),
        problems=(
            *_TURN,
            LimitedCaller,
            ReasonRequired,
            SubjectNotFound,
            SubjectEnded,
            FeatureNotFound,
            SubjectRequired,
            FeatureOfCustomer,
            MalformedValue,
            ModeNotAllowed,
            WindowRequired,
            OverrideDatesNotAllowed,
            OverrideExists,
            AmountOutOfRange,
        ),
        request_example=examples.OVERRIDE_IN,
        response_example=examples.OVERRIDE,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        row = services.grant(customer_id=found.id, new=_new(data, found, request.principal))
        return Changed(row, customers=[found.id])


class OneOverride(ApiView):
    scopes = {"GET": Scope.ENTITLEMENTS_READ}

    @reads(
        OverrideOut,
        tag=TAG,
        summary="Get an override",
        description="As it stands in the customer's now; one that is over, too.",
        problems=(CustomerNotFound, OverrideNotFound),
        response_example=examples.OVERRIDE,
    )
    def get(self, request: ApiRequest, customer: str, override: str) -> Override:
        return _find(request, customer, override)


class Revoke(ApiView):
    scopes = {"POST": Scope.OVERRIDES_WRITE}

    @changes(
        None,
        OverrideOut,
        tag=TAG,
        summary="Take an override back",
        description=(
            "It ends now; one that has not begun never counts. What is over already stays as it is."
        ),
        problems=(*_TURN, LimitedCaller, OverrideNotFound),
        request_example={"reason": "The trial project is over."},
        response_example={**examples.OVERRIDE, **examples.OVERRIDE_REVOKED},
    )
    def post(
        self, request: ApiRequest, data: dict[str, Any], customer: str, override: str
    ) -> Changed:
        return _decide(request, customer, override, services.revoke)


class Approve(ApiView):
    scopes = {"POST": Scope.OVERRIDES_APPROVE}

    @changes(
        None,
        OverrideOut,
        tag=TAG,
        summary="Approve an override",
        description=(
            "One that is `waiting` counts from its start on or, if that has passed, from now. "
            "Whoever made it cannot approve it."
        ),
        problems=(
            *_TURN,
            LimitedCaller,
            OverrideNotFound,
            OverrideNotWaiting,
            OwnOverride,
            OverrideExists,
            WindowRequired,
            AmountOutOfRange,
        ),
        request_example={"reason": "Agreed with sales."},
        response_example={**examples.OVERRIDE, **examples.OVERRIDE_APPROVED},
    )
    def post(
        self, request: ApiRequest, data: dict[str, Any], customer: str, override: str
    ) -> Changed:
        return _decide(request, customer, override, services.approve)


class Reject(ApiView):
    scopes = {"POST": Scope.OVERRIDES_APPROVE}

    @changes(
        None,
        OverrideOut,
        tag=TAG,
        summary="Reject an override",
        description="One that is `waiting`, for good. It never had an effect.",
        problems=(*_TURN, LimitedCaller, OverrideNotFound, OverrideNotWaiting),
        request_example={"reason": "Too much for this plan."},
        response_example={**examples.OVERRIDE, **examples.OVERRIDE_REJECTED},
    )
    def post(
        self, request: ApiRequest, data: dict[str, Any], customer: str, override: str
    ) -> Changed:
        return _decide(request, customer, override, services.reject)


def _decide(
    request: ApiRequest, customer: str, override: str, decide: Callable[..., Override]
) -> Changed:
    request.principal.require_unlimited()
    before = _find(request, customer, override)
    row = decide(override_id=before.id)
    changed = [Change("state", before.state, row.state)] if before.state != row.state else []
    return Changed(row, customers=[row.customer_id], changes=changed)


def _find(request: ApiRequest, customer: str, override: str) -> Override:
    return find(
        _visible(find_customer(customer, request.principal), request.principal),
        override,
        prefix="ovr",
        missing=OverrideNotFound,
        principal=request.principal,
        key_field=None,
    )


def _visible(customer: Customer, principal: Principal) -> QuerySet[Override]:
    """A caller that serves one product service sees the overrides of its features."""
    rows = Override.objects.filter(customer=customer).as_of(now_of(customer))
    if principal.product_service is not None:
        rows = rows.filter(feature__product_service__key=principal.product_service)
    return rows.select_related("feature", "subject")


def _new(data: dict[str, Any], customer: Customer, principal: Principal) -> NewOverride:
    feature = catalog.find(data["feature"], principal)
    subject_id = None
    if "subject" in data:
        subject_id = find_subject(customer, data["subject"], principal).id
    return new_override(data, feature, subject_id=subject_id)


def new_override(
    data: Mapping[str, Any], feature: FeatureTerms, *, subject_id: str | None
) -> NewOverride:
    """Read what shall be given.

    :raises ModeNotAllowed, MalformedValue: for what the feature cannot be given
    """
    mode = Mode(data.get("mode") or overrides.default_mode(feature.type))
    overrides.check_mode(feature, mode)
    return NewOverride(
        feature=feature,
        mode=mode,
        value=overrides.parse(feature, mode, data["value"]),
        subject_id=subject_id,
        starts_at=data.get("starts_at"),
        expires_at=data.get("expires_at"),
        supersede=data.get("supersede", False),
    )
