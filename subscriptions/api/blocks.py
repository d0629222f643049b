"""Blocks: what is taken from a customer until it is lifted."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from core.api.fields import Choice, Id, Instant, Key, Reference, Text
from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Change as FieldChange
from core.api.operations import Changed, changes, lists
from core.api.serializers import Input, Output
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Principal, Scope
from customers.lookups import find_customer, find_subject
from customers.models import Customer
from customers.services import SubjectEnded, SubjectNotFound
from customers.turns import CustomerNotFound
from plans import queries as catalog
from plans.errors import ProductNotFound
from subscriptions import services
from subscriptions.api.common import TURN
from subscriptions.blocks import BlockScope, Effect
from subscriptions.models import Block
from subscriptions.services.blocks import (
    AlreadyBlocked,
    BlockDatesNotAllowed,
    BlockNotFound,
    BlockOfAnotherSource,
    NewBlock,
)
from subscriptions.services.results import SubscriptionNotFound

_OURS_ALONE = "Null for callers that are limited to one customer."
BLOCK = {
    "id": "blk_01jd000000000000000000000a",
    "customer": "cus_01jd0000000000000000000001",
    "scope": "customer",
    "subject": None,
    "subscription": None,
    "product": None,
    "name": "chargeback",
    "source": "client:cli_01jd0000000000000000000005",
    "effects": ["access", "change"],
    "from": "2026-02-02T10:00:00Z",
    "until": None,
    "public_reason": "A payment was disputed.",
    "internal_reason": "case 4711",
    "created_at": "2026-02-02T10:00:00Z",
    "lifted_at": None,
}
_IN = {
    "name": "chargeback",
    "effects": ["access", "change"],
    "public_reason": "A payment was disputed.",
    "internal_reason": "case 4711",
}
MOST_REASON = 500


class BlockIn(Input):
    name = Key(help_text="Public: denials and refusals name it.")
    effects = serializers.ListField(
        child=Choice(Effect),
        min_length=1,
        max_length=len(Effect),
        help_text="`access`: checks deny, and targets are suspended. `change`: the customer cannot "
        "subscribe, go up or buy more. `billing`: invoices wait.",
    )
    subject = Reference("sbj", required=False, help_text="Only this subject, with all it has.")
    subscription = Id("sub", required=False, help_text="Only this subscription.")
    product = Reference(
        "prd", required=False, help_text="Only this product, also where subjects have it."
    )
    until = Instant(required=False, help_text="When it is over by itself; without: never.")
    public_reason = Text(max_length=MOST_REASON, required=False, help_text="For the customer.")
    internal_reason = Text(max_length=MOST_REASON, required=False, help_text="For staff.")

    def get_fields(self) -> dict[str, Any]:
        since = Instant(required=False, help_text="When it begins, ahead; without: now.")
        return {**super().get_fields(), "from": since}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs.keys() & {"subject", "subscription", "product"}) > 1:
            raise serializers.ValidationError(
                "Name one of subject, subscription and product, or none.", code="one_of"
            )
        return attrs


class BlockOut(Output):
    id = serializers.CharField()
    customer = serializers.CharField(source="customer_id")
    scope = Choice(BlockScope, help_text="What it covers.")
    subject = serializers.CharField(source="subject_id", allow_null=True)
    subscription = serializers.CharField(source="subscription_id", allow_null=True)
    product = serializers.CharField(source="product.key", default=None, allow_null=True)
    name = serializers.CharField()
    source = serializers.SerializerMethodField(  # type: ignore[assignment]  # the API's name
        help_text=f"Who placed it. {_OURS_ALONE}"
    )
    effects = serializers.ListField(child=Choice(Effect))
    until = Instant(source="ends_at", allow_null=True, help_text="When it is over by itself.")
    public_reason = serializers.CharField()
    internal_reason = serializers.SerializerMethodField(help_text=_OURS_ALONE)
    created_at = Instant()
    lifted_at = Instant(allow_null=True, help_text="Not in effect from here on.")

    def get_fields(self) -> dict[str, Any]:
        since = Instant(source="starts_at", help_text="In effect from here on.")
        return {**super().get_fields(), "from": since}

    def get_source(self, block: Block) -> str | None:
        return block.source if self._is_for_us() else None

    def get_internal_reason(self, block: Block) -> str | None:
        return block.internal_reason if self._is_for_us() else None

    def _is_for_us(self) -> bool:
        return self.context["request"].principal.customer_id is None


class BlockFilters(Filters):
    name = Filter.key("name", "Of this name.")
    scope = Filter.choice(BlockScope, "scope", "That cover this.")
    lifted = Filter.boolean(
        "lifted_at__isnull", "Whether they were lifted; one may also be over.", negate=True
    )


class Blocks(ApiView):
    scopes = {"GET": Scope.SUBSCRIPTIONS_READ, "POST": Scope.BLOCKS_WRITE}

    @lists(
        BlockOut,
        filters=BlockFilters,
        tag="blocks",
        summary="List a customer's blocks",
        description="Newest first, those of its subjects and those that were lifted included.",
        problems=(CustomerNotFound,),
        response_example=BLOCK,
    )
    def get(self, request: ApiRequest, customer: str) -> QuerySet[Block]:
        rows = Block.objects.filter(customer=find_customer(customer, request.principal))
        return rows.select_related("product")

    @changes(
        BlockIn,
        BlockOut,
        status=201,
        tag="blocks",
        summary="Place a block",
        description=(
            "On a whole customer, or on a subject, a subscription or a product of it. Several "
            "blocks add up. Periods, windows and renewals run on underneath. The block is the "
            "caller's: nobody else may lift it without `subscriptions:override`."
        ),
        problems=(
            *TURN,
            LimitedCaller,
            CustomerNotFound,
            SubjectNotFound,
            SubjectEnded,
            SubscriptionNotFound,
            ProductNotFound,
            BlockDatesNotAllowed,
            AlreadyBlocked,
        ),
        request_example=_IN,
        response_example=BLOCK,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], customer: str) -> Changed:
        request.principal.require_unlimited()
        found = find_customer(customer, request.principal)
        block = services.place_block(
            customer_id=found.id,
            new=_new_block(data, found, request.principal),
            source=request.principal.actor,
        )
        return Changed(block, customers=[found.id])


class Lift(ApiView):
    scopes = {"POST": Scope.BLOCKS_WRITE}

    @changes(
        None,
        BlockOut,
        tag="blocks",
        summary="Lift a block",
        description=(
            "Now, whenever it began. Other blocks stay. What is lifted or over already stays as it "
            "is. Another caller's block needs `subscriptions:override`."
        ),
        problems=(*TURN, LimitedCaller, BlockNotFound, BlockOfAnotherSource),
        request_example={"reason": "The dispute was withdrawn."},
        response_example={**BLOCK, "lifted_at": "2026-02-05T08:00:00Z"},
    )
    def post(self, request: ApiRequest, data: dict[str, Any], block: str) -> Changed:
        request.principal.require_unlimited()
        before = find(
            Block.objects.all(),
            block,
            prefix="blk",
            missing=BlockNotFound,
            principal=request.principal,
            key_field=None,
        )
        row = services.lift_block(
            block_id=before.id,
            source=request.principal.actor,
            of_others=request.principal.may(Scope.SUBSCRIPTIONS_OVERRIDE),
        )
        lifted = FieldChange("lifted_at", before.lifted_at, row.lifted_at)
        return Changed(
            row,
            customers=[row.customer_id],
            changes=[lifted] if lifted.before != lifted.after else [],
        )


def _new_block(data: dict[str, Any], customer: Customer, principal: Principal) -> NewBlock:
    subject_id = product_id = None
    if "subject" in data:
        subject_id = find_subject(customer, data["subject"], principal).id
    if "product" in data:
        product_id = catalog.find_product(data["product"]).id
    return NewBlock(
        name=data["name"],
        effects={Effect(each) for each in data["effects"]},
        subject_id=subject_id,
        subscription_id=data.get("subscription"),
        product_id=product_id,
        starts_at=data.get("from"),
        ends_at=data.get("until"),
        public_reason=data.get("public_reason", ""),
        internal_reason=data.get("internal_reason", ""),
    )
