"""What is imported, and the step that each import is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import Conflict
from plans import queries as catalog
from subscriptions import events
from subscriptions.given import SpentTrials, spent_trials, trial_holder
from subscriptions.importing import Brought, Elsewhere, bring
from subscriptions.models import Cause, ChangeStatus, SpentTrial, Subscription, Term
from subscriptions.move import Move, Rewritten
from subscriptions.planned import Planned
from subscriptions.sales import Sale
from subscriptions.services.beginnings import DateInPast
from subscriptions.services.ends import end_of
from subscriptions.services.results import (
    Owner,
    check_owner,
    load_one,
    sellable,
    zone_for,
)
from subscriptions.services.subscribe import (
    AlreadySubscribed,
    is_free_default,
    new_row,
    occupied_by,
    sale_for,
)
from subscriptions.services.trials import TrialSpent
from subscriptions.services.wanted import Order


class OverlapsEarlier(Conflict):
    """The owner had this exclusive product here until after the start that is to be imported."""

    code = "overlaps_earlier"


@dataclass(frozen=True, slots=True)
class Item:
    """One subscription as another system has it. Owner and plan are named by id or key.

    ``trial_spent`` says that its owner has had the trial of the product.
    """

    external_id: str
    customer: str
    plan: str
    there: Elsewhere
    subject: str | None = None
    version_id: str | None = None
    interval: str | None = None
    quantity: int | None = None
    add_ons: Mapping[str, int] = field(default_factory=dict)
    trial_spent: bool = False
    ends_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Bringer:
    """Makes steps of items, one after the other: each sees what those before it have taken."""

    trials_had: list[SpentTrial] = field(default_factory=list)
    _slots: set[tuple[str, str, str | None]] = field(default_factory=set)
    _spent: SpentTrials = field(default_factory=SpentTrials)

    def move(self, item: Item, owner: Owner, *, at: datetime) -> Move:
        """Return the step that brings one subscription.

        :raises DomainError: for what cannot be brought; nothing is taken then
        """
        sale = self._sale(item, owner, at=at)
        brought = bring(sale, item.there, at=at, zone=zone_for(sale.terms, owner.customer))
        agreed = self._agreed(item, brought, owner, at=at)
        move = self._into_its_slot(sale, brought, owner, at=at)
        move.added = agreed
        move.billed_through = item.there.billed_through
        move.row.metadata = {**move.row.metadata, **item.metadata}
        self._spend_trial(item, brought, move.row)
        if sale.terms.product.exclusive:
            self._slots.add(_slot(sale, owner))
        return move

    def _sale(self, item: Item, owner: Owner, *, at: datetime) -> Sale:
        plan = catalog.find_plan(item.plan)
        terms = sellable(
            plan.id,
            at=at,
            customer_id=owner.customer.id,
            override=True,
            version_id=item.version_id,
        )
        check_owner(terms, owner)
        order = Order(plan.id, item.interval, item.quantity, item.add_ons)
        return sale_for(terms, order, owner, at=at)

    def _agreed(self, item: Item, brought: Brought, owner: Owner, *, at: datetime) -> list[Planned]:
        if item.ends_at is None:
            return []
        if item.ends_at <= at:
            raise DateInPast("the end lies ahead", field="ends_at")
        return [end_of(brought.agreement, customer_id=owner.customer.id, at=item.ends_at)]

    def _into_its_slot(self, sale: Sale, brought: Brought, owner: Owner, *, at: datetime) -> Move:
        """Begin a subscription, or change the default free one that is in its place."""
        present = occupied_by(sale.terms, owner)
        if _slot(sale, owner) in self._slots:
            raise AlreadySubscribed(f"{sale.terms.product.key} is imported twice")
        if present is None:
            _refuse_overlap(sale, brought.started_at, owner)
            row = new_row(sale.terms, owner, currency=sale.currency, at=brought.started_at)
            return _step(row, brought, at=at)
        loaded = load_one(present.id, at=at)
        row, held = loaded.row, loaded.agreement
        if not is_free_default(held):
            raise AlreadySubscribed(f"there is a subscription to {held.terms.product.key} already")
        _refuse_overlap(sale, brought.started_at, owner, but=row.id)
        row.started_at = min(row.started_at, brought.started_at)
        move = _step(row, brought, at=at)
        move.before = held
        move.resolved = [(each, ChangeStatus.SUPERSEDED) for each in loaded.planned]
        return move

    def _spend_trial(self, item: Item, brought: Brought, row: Subscription) -> None:
        terms = brought.agreement.terms
        self._spent.had |= spent_trials([row]).had
        if brought.agreement.trial is not None:
            if self._spent.has(terms, row):
                raise TrialSpent(f"there is one trial of {terms.product.key}")
            self._spent.spend(terms, row)
        elif item.trial_spent and not self._spent.has(terms, row):
            self._spent.spend(terms, row)
            self.trials_had.append(
                SpentTrial(
                    customer_id=row.customer_id,
                    subject_id=trial_holder(terms, row.subject_id),
                    product_id=terms.product.id,
                    subscription=row,
                    starts_at=brought.started_at,
                )
            )


def _slot(sale: Sale, owner: Owner) -> tuple[str, str, str | None]:
    return sale.terms.product.id, owner.customer.id, owner.subject_id


def _refuse_overlap(
    sale: Sale, started_at: datetime, owner: Owner, *, but: str | None = None
) -> None:
    """:raises OverlapsEarlier: if the owner had the same exclusive product after the start"""
    if not sale.terms.product.exclusive:
        return
    rows = Subscription.objects.of_owner(
        customer_id=owner.customer.id, subject_id=owner.subject_id
    ).filter(product_id=sale.terms.product.id, ended_at__gt=started_at)
    if rows.exclude(pk=but).exists():
        raise OverlapsEarlier(f"{sale.terms.product.key} was had here after the start")


def _step(row: Subscription, brought: Brought, *, at: datetime) -> Move:
    """Return the step that puts an imported agreement into a row's history."""
    standing: Collection[Term] = ()
    if not row._state.adding:
        standing = Term.objects.standing().filter(subscription=row, starts_at__gte=brought.since)
    replaced = sorted(standing, key=lambda term: term.starts_at)
    first = Rewritten(
        brought.since, brought.first, Cause.IMPORTED, {}, replaced[0] if replaced else None
    )
    aside = [Rewritten(each.starts_at, None, Cause.IMPORTED, {}, each) for each in replaced[1:]]
    return Move(
        row,
        None,
        brought.agreement,
        at,
        [events.IMPORTED],
        Cause.IMPORTED,
        rewritten=[first, *aside],
    )
