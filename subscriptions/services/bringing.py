"""The step that each import is: what is asked for, and what comes of it in the place it is for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import Conflict, DomainError
from subscriptions import events
from subscriptions.given import trial_holder
from subscriptions.importing import Brought, bring
from subscriptions.models import Cause, ChangeStatus, SpentTrial, Subscription, Term
from subscriptions.move import Move, Rewritten
from subscriptions.planned import Kind, Planned
from subscriptions.sales import Sale
from subscriptions.services.beginnings import DateInPast
from subscriptions.services.ends import end_on
from subscriptions.services.import_items import Item, Slot, Taken
from subscriptions.services.import_reads import AddOnOffers, Names, Offers, Owners, Present
from subscriptions.services.results import Owner, check_owner, zone_for
from subscriptions.services.subscribe import (
    AlreadySubscribed,
    is_free_default,
    new_row,
    sale_with,
)
from subscriptions.services.trials import TrialSpent
from subscriptions.services.wanted import Order


class OverlapsEarlier(Conflict):
    """The owner had this exclusive product here until after the start that is to be imported."""

    code = "overlaps_earlier"


@dataclass(frozen=True, slots=True)
class Wish:
    """An item whose owner is found, and what it buys, at the instant of the owner's turn."""

    item: Item
    owner: Owner
    sale: Sale
    at: datetime

    @property
    def slot(self) -> Slot:
        return self.sale.terms.product.id, self.owner.customer.id, self.owner.subject_id

    @property
    def is_exclusive(self) -> bool:
        return self.sale.terms.product.exclusive


def find_wishes(
    items: Sequence[Item], names: Names, at: Mapping[str, datetime]
) -> list[Wish | DomainError]:
    """Return what items ask for or, of those that ask for what is not there, why not. A fixed
    number of queries."""
    owners, offers = Owners.read(names), Offers.read(items, set(names.customers.values()))
    add_ons = AddOnOffers.read(items)

    def find(item: Item) -> Wish:
        owner = owners.of(item)
        instant = at[owner.customer.id]
        terms = offers.of(item, customer_id=owner.customer.id, at=instant)
        check_owner(terms, owner)
        order = Order(terms.plan_id, item.interval, item.quantity, item.add_ons)
        sale = sale_with(terms, order, owner, lambda name: add_ons.of(name, item, at=instant))
        return Wish(item, owner, sale, instant)

    found: list[Wish | DomainError] = []
    for item in items:
        try:
            found.append(find(item))
        except DomainError as error:
            found.append(error)
    return found


@dataclass(slots=True)
class Bringer:
    """Makes steps of wishes, one after the other: each sees what those before it have taken, and
    what ``earlier`` steps have, which are in no table."""

    present: Present
    earlier: Taken
    taken: Taken = field(default_factory=Taken)
    trials_had: list[SpentTrial] = field(default_factory=list)

    @classmethod
    def of(cls, wishes: Sequence[Wish], earlier: Taken) -> "Bringer":
        """Read what these wishes depend on, in a fixed number of queries."""
        ending = {
            plan_id
            for each in wishes
            if each.item.ends_at is not None
            and (plan_id := each.sale.terms.product.fallback_plan_id) is not None
        }
        present = Present.read(
            [each.slot for each in wishes if each.is_exclusive],
            owners=[each.slot for each in wishes],
            fallback_plan_ids=ending,
        )
        return cls(present, earlier)

    def move(self, wish: Wish) -> Move:
        """Return the step that brings one subscription.

        :raises DomainError: for what cannot be brought; nothing is taken then
        """
        item, sale, at = wish.item, wish.sale, wish.at
        zone = zone_for(sale.terms, wish.owner.customer)
        brought = bring(sale, item.there, at=at, zone=zone)
        agreed = self._agreed(wish, brought)
        move = self._into_its_slot(wish, brought)
        move.added = agreed
        move.billed_through = item.there.billed_through
        self._spend_trial(item, brought, move.row)
        move.row.started_at = min(move.row.started_at, brought.started_at)
        move.row.metadata = {**move.row.metadata, **item.metadata}
        if wish.is_exclusive:
            self.taken.slots.add(wish.slot)
        return move

    def _agreed(self, wish: Wish, brought: Brought) -> list[Planned]:
        """:raises DateInPast, AlreadyOnFallback, PlanNotSold: as named"""
        item, agreed = wish.item, list[Planned]()
        resumes_at = item.there.paused.resumes_at if item.there.paused else None
        if resumes_at is not None:
            if resumes_at <= wish.at:
                raise DateInPast("the end of a pause lies ahead", field="resumes_at")
            agreed.append(Planned("", Kind.RESUME, resumes_at))
        if item.ends_at is not None:
            if item.ends_at <= wish.at:
                raise DateInPast("the end lies ahead", field="ends_at")
            fallback = self.present.fallback_of(
                wish.sale.terms, at=item.ends_at, customer_id=wish.owner.customer.id
            )
            agreed.append(end_on(brought.agreement, fallback, at=item.ends_at))
        return agreed

    def _into_its_slot(self, wish: Wish, brought: Brought) -> Move:
        """Begin a subscription, or change the default free one that is in its place."""
        sale, owner = wish.sale, wish.owner
        loaded = self.present.held.get(wish.slot) if wish.is_exclusive else None
        if wish.slot in self.taken.slots or wish.slot in self.earlier.slots:
            raise AlreadySubscribed(f"{sale.terms.product.key} is imported twice")
        if loaded is None:
            self._refuse_overlap(wish, brought.started_at)
            row = new_row(sale.terms, owner, currency=sale.currency, at=brought.started_at)
            return _step(row, brought, (), at=wish.at)
        row, held = loaded.row, loaded.agreement
        if not is_free_default(held):
            raise AlreadySubscribed(f"there is a subscription to {held.terms.product.key} already")
        self._refuse_overlap(wish, brought.started_at)
        standing = _standing(self.present.terms[row.id], brought)
        move = _step(row, brought, standing, at=wish.at)
        move.before = held
        move.resolved = [(each, ChangeStatus.SUPERSEDED) for each in loaded.planned]
        return move

    def _refuse_overlap(self, wish: Wish, started_at: datetime) -> None:
        """:raises OverlapsEarlier: if the owner had the same exclusive product after the start"""
        ended = self.present.ended.get(wish.slot, ()) if wish.is_exclusive else ()
        if any(each > started_at for each in ended):
            raise OverlapsEarlier(f"{wish.sale.terms.product.key} was had here after the start")

    def _spend_trial(self, item: Item, brought: Brought, row: Subscription) -> None:
        terms = brought.agreement.terms
        known = (self.present.spent, self.earlier.spent, self.taken.spent)
        was_had = any(each.has(terms, row) for each in known)
        if brought.agreement.trial is not None:
            if was_had:
                raise TrialSpent(f"there is one trial of {terms.product.key}")
            self.taken.spent.spend(terms, row)
        elif item.trial_spent and not was_had:
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


def _standing(terms: Sequence[Term], brought: Brought) -> list[Term]:
    """Return the terms, of those in order that are there, that give way to what is imported: free
    by default, all of them.

    :raises OverlapsEarlier: if something else was had after the start
    """
    default_plan_id = brought.agreement.terms.product.default_plan_id
    asked_for = False
    for term in terms:
        if asked_for and term.starts_at > brought.started_at:
            raise OverlapsEarlier("another plan of the product was had here after the start")
        asked_for = term.plan_version.plan_id != default_plan_id
    return [term for term in terms if term.starts_at >= brought.since]


def _step(row: Subscription, brought: Brought, replaced: Sequence[Term], *, at: datetime) -> Move:
    """Return the step that puts an imported agreement into a row's history."""
    begins, *later = brought.stages
    first = Rewritten(
        begins.starts_at,
        begins.agreement,
        begins.cause,
        begins.decision,
        replaced[0] if replaced else None,
    )
    then = [Rewritten(each.starts_at, each.agreement, each.cause, each.decision) for each in later]
    aside = [Rewritten(each.starts_at, None, Cause.IMPORTED, {}, each) for each in replaced[1:]]
    return Move(
        row,
        None,
        brought.agreement,
        at,
        [events.IMPORTED],
        Cause.IMPORTED,
        rewritten=[first, *then, *aside],
    )
