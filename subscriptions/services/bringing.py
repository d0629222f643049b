"""What is imported, and the step that each import is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from core.clock import written
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

    @property
    def digest(self) -> str:
        """What tells whether the same was said: of all that was said, however it was ordered."""
        text = json.dumps(_said(asdict(self)), sort_keys=True, default=written)
        return sha256(text.encode()).hexdigest()


def _said(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing, so that members that are added later change no digest."""
    return {
        name: _said(value) if isinstance(value, Mapping) else value
        for name, value in members.items()
        if value not in (None, False, {})
    }


@dataclass(frozen=True, slots=True)
class Named:
    """What was imported under a name. ``is_new`` tells that it is written by the run that asks."""

    digest: str
    row: Subscription
    is_new: bool = False


@dataclass(slots=True)
class Taken:
    """What a run has imported so far. A dry run of many steps hands it on from one to the next,
    because each is taken back; else the tables have it."""

    names: dict[str, Named] = field(default_factory=dict)
    slots: set[tuple[str, str, str | None]] = field(default_factory=set)
    spent: SpentTrials = field(default_factory=SpentTrials)

    def copy(self) -> "Taken":
        return Taken(dict(self.names), set(self.slots), SpentTrials(set(self.spent.had)))

    def take_over(self, other: "Taken") -> None:
        self.names, self.slots, self.spent = other.names, other.slots, other.spent


@dataclass(slots=True)
class Bringer:
    """Makes steps of items, one after the other: each sees what those before it have taken."""

    taken: Taken
    trials_had: list[SpentTrial] = field(default_factory=list)

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
            self.taken.slots.add(_slot(sale, owner))
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
        if _slot(sale, owner) in self.taken.slots:
            raise AlreadySubscribed(f"{sale.terms.product.key} is imported twice")
        if present is None:
            _refuse_overlap(sale, brought.started_at, owner)
            row = new_row(sale.terms, owner, currency=sale.currency, at=brought.started_at)
            return _step(row, brought, (), at=at)
        loaded = load_one(present.id, at=at)
        row, held = loaded.row, loaded.agreement
        if not is_free_default(held):
            raise AlreadySubscribed(f"there is a subscription to {held.terms.product.key} already")
        _refuse_overlap(sale, brought.started_at, owner, but=row.id)
        standing = _standing(row, brought)
        row.started_at = min(row.started_at, brought.started_at)
        move = _step(row, brought, standing, at=at)
        move.before = held
        move.resolved = [(each, ChangeStatus.SUPERSEDED) for each in loaded.planned]
        return move

    def _spend_trial(self, item: Item, brought: Brought, row: Subscription) -> None:
        terms = brought.agreement.terms
        self.taken.spent.had |= spent_trials([row]).had
        if brought.agreement.trial is not None:
            if self.taken.spent.has(terms, row):
                raise TrialSpent(f"there is one trial of {terms.product.key}")
            self.taken.spent.spend(terms, row)
        elif item.trial_spent and not self.taken.spent.has(terms, row):
            self.taken.spent.spend(terms, row)
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


def _standing(row: Subscription, brought: Brought) -> list[Term]:
    """Return the terms that give way to what is imported: free by default, all of them.

    :raises OverlapsEarlier: if something else was had after the start
    """
    terms = Term.objects.standing().filter(subscription=row).select_related("plan_version")
    default_plan_id = brought.agreement.terms.product.default_plan_id
    asked_for = False
    standing = list(terms.order_by("starts_at"))
    for term in standing:
        if asked_for and term.starts_at > brought.started_at:
            raise OverlapsEarlier("another plan of the product was had here after the start")
        asked_for = term.plan_version.plan_id != default_plan_id
    return [term for term in standing if term.starts_at >= brought.since]


def _step(row: Subscription, brought: Brought, replaced: Sequence[Term], *, at: datetime) -> Move:
    """Return the step that puts an imported agreement into a row's history."""
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
