"""Bring subscriptions that live in another system: what is billed there is not billed again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from core import bulk, clock, ids
from core.errors import Conflict, DomainError, FieldProblem, Unprocessable
from core.transactions import command
from customers.models import Customer, Subject
from customers.services import SubjectNotFound
from customers.turns import CustomerNotFound, turns
from subscriptions.importing import FirstCharge
from subscriptions.models import Import, SpentTrial, Subscription
from subscriptions.move import Move
from subscriptions.services.bringing import Bringer, Item, Named, Taken
from subscriptions.services.results import Owner, owner_of
from subscriptions.writing import write

MOST_AT_ONCE = 100
# The member of an item that a refusal is about, where it does not name one itself.
_ABOUT = {
    "customer_not_found": "customer",
    "subject_not_found": "subject",
    "subject_ended": "subject",
    "wrong_owner": "subject",
    "plan_not_found": "plan",
    "plan_not_sold": "plan",
    "plan_version_not_found": "plan_version",
    "currency_not_sold": "plan",
    "already_subscribed": "plan",
    "overlaps_earlier": "started_at",
    "interval_not_sold": "interval",
    "quantity_not_allowed": "quantity",
    "add_on_not_found": "add_ons",
    "add_on_not_sold": "add_ons",
    "add_on_included": "add_ons",
    "add_on_not_available": "add_ons",
    "anchor_not_allowed": "anchor",
    "trial_spent": "trial_end",
    "already_on_fallback": "ends_at",
}


class ImportRefused(Unprocessable):
    """Some of it cannot be imported, so nothing was: `errors` tell what is wrong with which."""

    code = "import_refused"


class ImportedDifferently(Conflict):
    """Something else was imported under this `external_id`: what is here now is left as it is."""

    code = "imported_differently"


class ImportedByAnother(Conflict):
    """Another import has just brought one of these, by its `external_id`; try again."""

    code = "imported_by_another"


@dataclass(slots=True)
class Outcome:
    """What became of an item. ``problem`` says why nothing did, ``was_there`` that it was imported
    before. ``row`` is as it is now; ``is_new`` tells that this run makes it, because nothing was in
    its place, not even for free."""

    item: Item
    row: Subscription | None = None
    was_there: bool = False
    is_new: bool = False
    first_charge: FirstCharge | None = None
    problem: FieldProblem | None = None


FirstCharges = Callable[[Mapping[str, datetime]], Mapping[str, FirstCharge]]


def _not_installed(_at: Mapping[str, datetime]) -> Mapping[str, FirstCharge]:
    raise RuntimeError("nobody says what is charged: install_first_charges was not called")


_first_charges: FirstCharges = _not_installed


def install_first_charges(first_charges: FirstCharges) -> None:
    """Say who knows what subscriptions are charged first, at or after an instant each.

    Called once, by ``billing.wiring``.
    """
    global _first_charges
    _first_charges = first_charges


@command
def import_all(*, items: Sequence[Item], dry_run: bool = False) -> list[Outcome]:
    """Bring subscriptions, all of them or, if one cannot be, none; else as ``import_each``.

    :raises ImportRefused: telling what is wrong with which, by JSON pointers from ``/items``
    """
    outcomes = import_each(items=items, dry_run=dry_run)
    problems = [
        FieldProblem(f"/items/{place}{told.pointer}", told.code, told.detail)
        for place, told in enumerate(each.problem for each in outcomes)
        if told is not None
    ]
    if problems:
        raise ImportRefused(f"{len(problems)} of {len(items)} cannot be", errors=problems)
    return outcomes


@command
def import_each(
    *, items: Sequence[Item], dry_run: bool = False, taken: Taken | None = None
) -> list[Outcome]:
    """Bring those of the subscriptions that can be brought, and say why the others cannot.

    One that was brought before, by its ``external_id``, is left alone. ``dry_run`` does it all and
    takes it back, so what it tells is what happens; ``taken`` is what it has told already of a file
    that it goes through in several steps.

    :raises CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp: for one of the customers
    :raises ImportedByAnother: if one of them is being imported for another customer
    """
    seen = taken.copy() if taken is not None else Taken()
    with transaction.atomic():
        names = _Names.read(items)
        with turns(sorted(set(names.customers.values()))) as at:
            outcomes = _bring(items, names, at, seen)
        transaction.set_rollback(dry_run)
    if taken is not None:
        taken.take_over(seen)
    return outcomes


def _bring(
    items: Sequence[Item], names: "_Names", at: Mapping[str, datetime], taken: Taken
) -> list[Outcome]:
    taken.names |= _imported({item.external_id for item in items})
    bringer = Bringer(taken)
    outcomes = [Outcome(item) for item in items]
    fresh: list[tuple[Item, Move]] = []
    for outcome in outcomes:
        item = outcome.item
        try:
            if item.external_id in taken.names:
                _recall(outcome, taken.names[item.external_id])
                continue
            owner = names.owner_of(item)
            move = bringer.move(item, owner, at=at[owner.customer.id])
        except DomainError as error:
            outcome.problem = _problem(error)
            continue
        outcome.row, outcome.is_new = move.row, move.before is None
        taken.names[item.external_id] = Named(item.digest, move.row, outcome.is_new)
        fresh.append((item, move))
    _write(fresh, bringer.trials_had)
    charges = _first_charges({move.row.id: move.at for _, move in fresh})
    for outcome in outcomes:
        if outcome.row is not None and not outcome.was_there:
            outcome.first_charge = charges.get(outcome.row.id)
    return outcomes


def _recall(outcome: Outcome, named: Named) -> None:
    """:raises ImportedDifferently: if something else was imported by this name"""
    if named.digest != outcome.item.digest:
        raise ImportedDifferently("something else was imported as this", field="external_id")
    outcome.row, outcome.was_there, outcome.is_new = named.row, True, named.is_new


def _imported(external_ids: set[str]) -> dict[str, Named]:
    rows = Import.objects.filter(external_id__in=external_ids).select_related("subscription")
    return {each.external_id: Named(each.digest, each.subscription) for each in rows}


def _write(brought: Sequence[tuple[Item, Move]], trials_had: Sequence[SpentTrial]) -> None:
    write([move for _, move in brought])
    in_place = [move.row for _, move in brought if move.before is not None]
    bulk.write(Subscription, columns=["metadata"], rows=in_place)
    SpentTrial.objects.bulk_create(trials_had)
    now = clock.system_now()
    try:
        with transaction.atomic():
            Import.objects.bulk_create(
                Import(
                    external_id=item.external_id,
                    digest=item.digest,
                    customer_id=move.row.customer_id,
                    subscription=move.row,
                    billed_through=item.there.billed_through,
                    at=move.at,
                    recorded_at=now,
                )
                for item, move in brought
            )
    except IntegrityError:
        raise ImportedByAnother("one of these was imported at the same time") from None


def _problem(error: DomainError) -> FieldProblem:
    about = error.members.get("field") or _ABOUT.get(error.code)
    return FieldProblem(f"/{about}" if about else "", error.code, error.detail)


@dataclass(frozen=True, slots=True)
class _Names:
    """Who is named: {reference: customer id}, {(customer id, reference): subject id}."""

    customers: Mapping[str, str]
    subjects: Mapping[tuple[str, str], str]

    @classmethod
    def read(cls, items: Sequence[Item]) -> "_Names":
        named = {each.customer for each in items}
        rows = _named(Customer.objects.all(), named, prefix="cus").values_list("pk", "key")
        customers = {name: pk for pk, key in rows for name in (pk, key) if name in named}
        named = {each.subject for each in items if each.subject is not None}
        of_them = Subject.objects.filter(customer__in=customers.values())
        subjects = {
            (customer_id, name): pk
            for pk, key, customer_id in _named(of_them, named, prefix="sbj").values_list(
                "pk", "key", "customer_id"
            )
            for name in (pk, key)
            if name in named
        }
        return cls(customers, subjects)

    def owner_of(self, item: Item) -> Owner:
        """Read who subscribes.

        :raises CustomerNotFound, SubjectNotFound, SubjectEnded: as named
        """
        customer_id = self.customers.get(item.customer)
        if customer_id is None:
            raise CustomerNotFound("there is no such customer")
        if item.subject is None:
            return owner_of(customer_id=customer_id, subject_id=None)
        subject_id = self.subjects.get((customer_id, item.subject))
        if subject_id is None:
            raise SubjectNotFound("the customer has no such subject")
        return owner_of(customer_id=customer_id, subject_id=subject_id)


def _named(rows: Any, references: set[str], *, prefix: str) -> Any:
    """Keep what is named; what looks like an identifier is never a key."""
    by_id = [each for each in references if ids.is_type_id(each, prefix=prefix)]
    keys = [each for each in references if not ids.is_type_id(each)]
    return rows.filter(Q(pk__in=by_id) | Q(key__in=keys))
