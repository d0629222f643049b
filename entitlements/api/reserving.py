"""Reserving units of a metered feature, and saying how many of them were used."""

from typing import Any

from rest_framework.response import Response

from core.api.fields import Choice, Instant, Integer, Key, Quantity, StrictBoolean
from core.api.operations import documented
from core.api.serializers import Input, Output, validated
from core.api.views import ApiRequest, ApiView
from core.principals import Scope
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound
from entitlements import reserving
from entitlements.api import examples
from entitlements.api.consuming import OWNER_PROBLEMS, TAG, ConsumeOut, UseIn
from entitlements.connections import EntitlementsUnavailable
from entitlements.consuming import Consumption, NotConsumable
from entitlements.reader import Asked
from plans.errors import FeatureNotFound
from usage.counting import RESERVATION_STATES
from usage.services import MoreThanReserved, ReservationNotFound, ReservationOver, UsageIdReused

_SETTLED = (
    ReservationNotFound,
    ReservationOver,
    FeatureNotFound,
    CustomerNotFound,
    SubjectNotFound,
    EntitlementsUnavailable,
)


class ReserveIn(UseIn):
    id = Key(help_text="The caller's own name of this reservation, each once.")
    expires_in_seconds = Integer(
        min_value=1,
        max_value=reserving.LONGEST_SECONDS,
        help_text="Until when they are held, in the customer's time.",
    )


class FinalizeIn(Input):
    quantity = Quantity(required=False, help_text="How many were used; without: all.")
    allow_more = StrictBoolean(
        required=False,
        help_text="True: more than was reserved is counted, too, whatever the bound is.",
    )


class NothingIn(Input):
    """Nothing is needed."""


class ReservationOut(Output):
    state = Choice(RESERVATION_STATES, help_text="In the customer's now.")
    quantity = Quantity(help_text="How many units were held.")
    used = Quantity(allow_null=True, help_text="How many were counted in the end; null: not yet.")
    held_at = Instant(help_text="When; use is dated so, and counts in the window of then.")
    expires_at = Instant(help_text="From then on they are not held any more.")


class ReserveOut(ConsumeOut):
    reservation = ReservationOut(allow_null=True, help_text="Null where it was denied.")


class Reservations(ApiView):
    scopes = {"POST": Scope.USAGE_CONSUME}

    @documented(
        ReserveOut,
        input=ReserveIn,
        tag=TAG,
        summary="Reserve units of a metered feature",
        description=(
            "Held units cannot be used or reserved by anybody else, until they are finalized, "
            "released, or expire by the clock. A denial is an answer, too, and holds nothing. `id` "
            "is the caller's own name of the reservation: the same request again is answered "
            "`repeated`. An Idempotency-Key is ignored."
        ),
        problems=(*OWNER_PROBLEMS, NotConsumable, UsageIdReused, EntitlementsUnavailable),
        request_example=examples.RESERVE_IN,
        response_example=examples.RESERVE,
    )
    def post(self, request: ApiRequest) -> Response:
        data = validated(ReserveIn, request.data)
        asked = Asked(data.get("customer"), data.get("subject"))
        wanted = Consumption(data["id"], asked, data["feature"], data["quantity"])
        return Response(reserving.reserve(wanted, data["expires_in_seconds"], request.principal))


class Finalize(ApiView):
    scopes = {"POST": Scope.USAGE_CONSUME}

    @documented(
        ReserveOut,
        input=FinalizeIn,
        tag=TAG,
        summary="Say how many reserved units were used",
        description=(
            "They count as used when they were reserved; the rest is free again. The same request "
            "again is answered `repeated`. The path names the caller's own `id`."
        ),
        problems=(*_SETTLED, MoreThanReserved),
        request_example=examples.FINALIZE_IN,
        response_example=examples.FINALIZE,
    )
    def post(self, request: ApiRequest, reservation: str) -> Response:
        data: dict[str, Any] = validated(FinalizeIn, request.data or {})
        return Response(
            reserving.finalize(
                reservation,
                data.get("quantity"),
                request.principal,
                allow_more=data.get("allow_more", False),
            )
        )


class Release(ApiView):
    scopes = {"POST": Scope.USAGE_CONSUME}

    @documented(
        ReserveOut,
        input=NothingIn,
        tag=TAG,
        summary="Let go of reserved units",
        description=(
            "None of them was used. Of a reservation that has expired or was released already "
            "nothing is left, which is answered `repeated`."
        ),
        problems=_SETTLED,
        request_example={},
        response_example=examples.RELEASE_RESERVED,
    )
    def post(self, request: ApiRequest, reservation: str) -> Response:
        validated(NothingIn, request.data or {})
        return Response(reserving.give_back(reservation, request.principal))
