"""Bring subscriptions that live in another system: what is billed there is not billed again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from core import bulk, clock
from core.errors import Conflict, DomainError, FieldProblem, Unprocessable
from core.transactions import apart, command
from customers.turns import turns
from subscriptions.importing import FirstCharge
from subscriptions.models import Import, SpentTrial, Subscription
from subscriptions.move import Move
from subscriptions.services.bringing import Bringer, Wish, find_wishes
from subscriptions.services.import_items import Item, Named, Taken
from subscriptions.services.import_reads import Names
from subscriptions.services.overdue import block_overdue
from subscriptions.states import State
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
    "add_on_version_not_found": "add_on_versions",
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

    One that was brought before, by its ``external_id``, is left alone, whatever has become of its
    customer. ``dry_run`` does it all and takes it back, so what it tells is what happens; ``taken``
    is what it has told already of a file that it goes through in several steps. The number of
    statements does not depend on how many there are.

    :raises CustomerClosed, CustomerParked, ClockAdvancing, CatchingUp: for one of the customers
    :raises ImportedByAnother: if one of them is being imported for another customer
    """
    step = _Step(taken or Taken())
    with apart():
        outcomes = step.take(items)
        transaction.set_rollback(dry_run)
    if taken is not None:
        taken.add(step.taken)
    return outcomes


@dataclass(slots=True)
class _Step:
    """One step of an import. ``earlier`` is what steps before it have taken that is in no table,
    ``taken`` what this one has."""

    earlier: Taken
    taken: Taken = field(default_factory=Taken)

    def take(self, items: Sequence[Item]) -> list[Outcome]:
        known = self._known(items)
        fresh = [each for each in items if each.external_id not in known]
        names = Names.read(fresh)
        with turns(sorted(set(names.customers.values()))) as at:
            known |= self._known(fresh)  # while their turns were waited for
            return self._bring([Outcome(each) for each in items], known, names, at)

    def _known(self, items: Sequence[Item]) -> dict[str, Named]:
        wanted = {each.external_id for each in items}
        known = {name: self.earlier.names[name] for name in wanted & self.earlier.names.keys()}
        return known | _imported(wanted - known.keys())

    def _bring(
        self,
        outcomes: list[Outcome],
        known: Mapping[str, Named],
        names: Names,
        at: Mapping[str, datetime],
    ) -> list[Outcome]:
        fresh = [each for each in outcomes if each.item.external_id not in known]
        wishes = find_wishes([each.item for each in fresh], names, at)
        bringer = Bringer.of([each for each in wishes if isinstance(each, Wish)], self.earlier)
        self.taken = bringer.taken
        wished = dict(zip((id(each) for each in fresh), wishes, strict=True))
        brought: list[_Brought] = []
        for outcome in outcomes:
            name = outcome.item.external_id
            try:
                there = known.get(name) or self.taken.names.get(name)
                if there is not None:
                    _recall(outcome, there)
                    continue
                wish = wished[id(outcome)]
                if isinstance(wish, DomainError):
                    raise wish
                move = bringer.move(wish)
            except DomainError as error:
                outcome.problem = _problem(error)
                continue
            outcome.row, outcome.is_new = move.row, move.before is None
            named = Named(outcome.item.digest, move.row, outcome.is_new)
            self.taken.names[name] = named
            brought.append(_Brought(outcome.item, named.digest, move))
        _write(brought, bringer.trials_had)
        charges = _first_charges({each.move.row.id: each.move.at for each in brought})
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


@dataclass(frozen=True, slots=True)
class _Brought:
    item: Item
    digest: str
    move: Move


def _write(brought: Sequence[_Brought], trials_had: Sequence[SpentTrial]) -> None:
    moves = [each.move for each in brought]
    write(moves)
    block_overdue({each.row.customer_id: each.at for each in moves if _is_past_due(each)})
    noted = [each.move.row for each in brought if each.item.metadata and each.move.before]
    bulk.write(Subscription, columns=["metadata"], rows=noted)
    bulk.insert(SpentTrial, trials_had)
    now = clock.system_now()
    rows = [
        Import(
            external_id=each.item.external_id,
            digest=each.digest,
            customer_id=each.move.row.customer_id,
            subscription=each.move.row,
            billed_through=each.item.there.billed_through,
            at=each.move.at,
            recorded_at=now,
        )
        for each in brought
    ]
    try:
        with transaction.atomic():
            bulk.insert(Import, rows)
    except IntegrityError:
        raise ImportedByAnother("one of these was imported at the same time") from None


def _is_past_due(move: Move) -> bool:
    return move.after.state == State.PAST_DUE


def _problem(error: DomainError) -> FieldProblem:
    about = error.members.get("field") or _ABOUT.get(error.code)
    return FieldProblem(f"/{about}" if about else "", error.code, error.detail)
