"""Follow the owners: what begins with a customer or subject, and what ends with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.errors import DomainError, Unprocessable
from core.models import Event
from customers import events as owners
from customers.models import Customer, Subject
from plans import queries as catalog
from plans.errors import PlanNotFound, PlanNotSold, ProductNotFound
from plans.models import Product
from plans.terms import Scope, Terms
from subscriptions import events, queries
from subscriptions.blocks import Blocked, Concern, Effect, refuse_change
from subscriptions.given import spent_trials
from subscriptions.loading import load
from subscriptions.models import Cause, ChangeStatus, Subscription
from subscriptions.moves import ended
from subscriptions.policy import CurrencyNotSold, choose_interval
from subscriptions.sales import Sale
from subscriptions.services.results import (
    ContactSales,
    Owner,
    WrongOwner,
    check_owner,
    sellable,
)
from subscriptions.services.subscribe import begun, new_row
from subscriptions.services.wanted import Beginning
from subscriptions.writing import Move, write


class NotADefault(Unprocessable):
    """A plan was named for a product that has no default plan for such an owner."""

    code = "product_not_offered"


# What a creation may be refused with because of what the new owner begins on.
FOLLOW_REFUSALS: tuple[type[DomainError], ...] = (
    ProductNotFound,
    PlanNotFound,
    PlanNotSold,
    NotADefault,
    WrongOwner,
    ContactSales,
    CurrencyNotSold,
    Blocked,
)


@dataclass(frozen=True, slots=True)
class _Newcomer:
    owner: Owner
    at: datetime
    chosen: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _New:
    """A subscription that begins: its row, not written yet, and what is had."""

    row: Subscription
    sale: Sale
    cause: Cause


def follow_owners(happened: Sequence[Event]) -> None:
    """Projection: put new owners on default plans, and end what ended owners had."""
    created = [
        each
        for each in happened
        if each.type in (owners.CUSTOMER_CREATED.name, owners.SUBJECT_CREATED.name)
    ]
    ended_owners = [
        each
        for each in happened
        if each.type in (owners.CUSTOMER_CLOSED.name, owners.SUBJECT_ENDED.name)
    ]
    write(_beginnings(created))
    write(_endings(ended_owners))


def _beginnings(created: Sequence[Event]) -> list[Move]:
    defaults = {scope: catalog.default_plans(scope) for scope in (Scope.CUSTOMER, Scope.SUBJECT)}
    new: list[_New] = []
    sold: dict[tuple[str, str, datetime], Terms] = {}
    choosing = {each.customer_id for each in created if each.data["plans"] and each.customer_id}
    blocks = queries.blocks(choosing, Effect.CHANGE)
    for newcomer in _newcomers(created):
        scope = Scope.SUBJECT if newcomer.owner.subject else Scope.CUSTOMER
        chosen = _chosen(newcomer, scope)
        own = [plan for plan in defaults[scope] if _is_for(plan.product, newcomer.owner)]
        plan_ids = {plan.product_id: plan.id for plan in own} | chosen
        for plan_id in plan_ids.values():
            where = (plan_id, newcomer.owner.customer.id, newcomer.at)
            if where not in sold:
                sold[where] = sellable(
                    plan_id, at=newcomer.at, customer_id=newcomer.owner.customer.id, override=False
                )
            terms = sold[where]
            if plan_id in chosen.values():
                check_owner(terms, newcomer.owner)
                owner = newcomer.owner
                concern = Concern(owner.customer.id, terms.product.key, owner.subject_id)
                refuse_change(blocks, concern, newcomer.at)
            new.append(_new(newcomer, terms, is_default=plan_id not in chosen.values()))
    return _begun(new)


def _newcomers(created: Sequence[Event]) -> list[_Newcomer]:
    customers = {
        each.id: each
        for each in Customer.objects.filter(pk__in={event.customer_id for event in created})
    }
    subjects = {
        each.id: each
        for each in Subject.objects.filter(
            pk__in={event.subject_id for event in created if event.subject_id}
        )
    }
    return [
        _Newcomer(
            Owner(
                customers[event.customer_id],
                subjects[event.subject_id] if event.subject_id else None,
            ),
            event.occurred_at,
            event.data["plans"],
        )
        for event in created
    ]


def _chosen(newcomer: _Newcomer, scope: Scope) -> dict[str, str]:
    """Return {product id: plan id} for what the creating call named."""
    chosen = {}
    for product_reference, plan_reference in newcomer.chosen.items():
        product = catalog.find_product(product_reference)
        plan = catalog.find_plan(plan_reference)
        if plan.product_id != product.id or product.scope != scope:
            raise NotADefault(
                f"{plan_reference} is not a plan of {product_reference} for a {scope}"
            )
        chosen[product.id] = plan.id
    return chosen


def _is_for(product: Product, owner: Owner) -> bool:
    kind = product.subject_kind
    return owner.subject is None or not kind or owner.subject.kind == kind


def _new(newcomer: _Newcomer, terms: Terms, *, is_default: bool) -> _New:
    owner, currency = newcomer.owner, newcomer.owner.customer.currency
    interval = choose_interval(terms, currency=currency, wanted=None)
    return _New(
        new_row(terms, owner, currency=currency, at=newcomer.at),
        Sale(terms, interval, currency, terms.quantity.default),
        Cause.DEFAULT if is_default else Cause.SUBSCRIBED,
    )


def _begun(rows: Sequence[_New]) -> list[Move]:
    """Several subjects of one customer may share one trial: the first has it."""
    spent = spent_trials([each.row for each in rows if each.sale.terms.trial is not None])
    moves = []
    for new in rows:
        at = new.row.started_at
        agreement = begun(new.row, new.sale, Beginning(), start=at, spent=spent)
        if agreement.trial is not None:
            spent.spend(new.sale.terms, new.row)
        moves.append(Move(new.row, None, agreement, at, [events.CREATED], new.cause))
    return moves


def _endings(ended_owners: Sequence[Event]) -> list[Move]:
    """With its owner a subscription ends for good: there is nobody to fall back."""
    closed = {
        event.customer_id: event.occurred_at
        for event in ended_owners
        if event.type == owners.CUSTOMER_CLOSED.name
    }
    gone = {
        event.subject_id: event.occurred_at
        for event in ended_owners
        if event.type == owners.SUBJECT_ENDED.name
    }
    current = Subscription.objects.current().select_related("term")
    rows = {
        row.id: row
        for row in [
            *current.filter(subject_id__in=gone),
            *current.filter(customer_id__in=closed, subject=None),
        ]
    }
    return [
        Move(
            loaded.row,
            loaded.agreement,
            ended(loaded.agreement),
            gone[loaded.row.subject_id]
            if loaded.row.subject_id
            else closed[loaded.row.customer_id],
            [events.ENDED],
            Cause.OWNER_ENDED,
            resolved=[(each, ChangeStatus.SUPERSEDED) for each in loaded.planned],
        )
        for loaded in load(list(rows.values()))
    ]
