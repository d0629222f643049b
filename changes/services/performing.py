"""Run the commands of items, and read what they did. A preview and an apply both come here, so they
cannot differ in how they look."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from changes import differences, money, operations, undoing, warnings
from changes.models import ChangeSet, ChangeSetItem
from changes.money import Mark
from changes.operations import Target
from changes.reading import Owners, documents, holdings
from changes.standing import standings
from changes.undoing import Standing
from plans import queries as catalog
from subscriptions import queries as subscriptions
from subscriptions.models import Subscription

Operations = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Performed:
    """What the commands of an item did at its instant. ``mark`` is what was charged by then, of all
    items that were performed together."""

    item: ChangeSetItem
    subscription_id: str
    currency: str
    before: Standing | None
    after: Standing
    preview: dict[str, Any]
    mark: Mark

    @property
    def agreed_at(self) -> list[datetime]:
        """The dates of what was put on the schedule."""
        known = self.before["pending"] if self.before else []
        new = [each for each in self.after["pending"] if each not in known]
        return [datetime.fromisoformat(each["effective_at"]) for each in new]


def perform(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> list[Performed]:
    """Run the operations of items of different customers, each at its instant, in the customers'
    turns; read what is different. What is read takes a fixed number of queries.

    Deferred constraints are checked before anything is read.

    :raises DomainError: what the commands refuse of any of them
    :raises CannotBeUndone: of an undo, if no command leads back
    """
    owners = {item.id: owner_of(item) for item in items}
    customer_ids = [item.customer_id for item in items]
    known = [item.subscription_id for item in items if item.subscription_id]
    before = standings(known)
    held, wanted = holdings(owners.values()), documents(owners.values())
    marked = money.mark(customer_ids=customer_ids, subscription_ids=known)
    ran = _carry_out(items, change_set)
    _check_constraints()
    ids = [each.subscription_id for each in ran.values()]
    after = standings(ids)
    moved = money.since(marked, customer_ids=customer_ids, subscription_ids=ids)
    holding, told = holdings(owners.values()), documents(owners.values())
    warned = _Warnings(ids, versions={each["plan_version"] for each in after.values()})
    mark = money.mark(customer_ids=customer_ids, subscription_ids=ids)
    done = []
    for item in items:
        owner, subscription_id = owners[item.id], ran[item.id].subscription_id
        was = before.get(item.subscription_id) if item.subscription_id else None
        becomes, currency = after[subscription_id], warned.currencies[subscription_id]
        rows = differences.entitlement_changes(held[owner], holding[owner], at=item.effective_at)
        preview = {
            "money": moved.moved(
                customer_id=item.customer_id, subscription_id=subscription_id, currency=currency
            ),
            "entitlements": rows,
            "provisioning": differences.document_changes(
                wanted[owner], told[owner], at=item.effective_at
            ),
            "warnings": [*warned.of(ran[item.id], was, becomes, rows)],
        }
        done.append(Performed(item, subscription_id, currency, was, becomes, preview, mark))
    return done


def owner_of(item: ChangeSetItem) -> Owners:
    return Owners(item.customer_id, item.subject_id)


@dataclass(frozen=True, slots=True)
class _Ran:
    """What was run for an item, and on which subscription."""

    subscription_id: str
    operations: Operations


def _carry_out(items: Sequence[ChangeSetItem], change_set: ChangeSet) -> dict[str, _Ran]:
    """Run what was asked for, of all items together; or of each the way back."""
    targets = {item.id: _target(item, change_set) for item in items}
    if items[0].undoes is not None:
        return _undo(items, targets)
    asked = change_set.operations
    found = operations.run_all(dict.fromkeys(targets, asked), targets)
    return {name: _Ran(subscription_id, asked) for name, subscription_id in found.items()}


def _target(item: ChangeSetItem, change_set: ChangeSet) -> Target:
    return Target(
        item.customer_id,
        item.subject_id,
        item.subscription_id,
        may_override=change_set.may_override,
        source=change_set.created_by,
    )


def _undo(items: Sequence[ChangeSetItem], targets: Mapping[str, Target]) -> dict[str, _Ran]:
    """Lead back what a change set has changed; of a change set either all items undo, or none."""
    subscriptions = {name: each.subscription for name, each in targets.items()}
    undone = {item.id: item.undoes for item in items if item.undoes is not None}
    ran: dict[str, list[dict[str, Any]]] = {name: [] for name in targets}
    for leads_back in (undoing.way_back, undoing.rest_of_the_way):
        now = standings(subscriptions.values())
        following = {
            name: leads_back(
                undoing.to_lead_back_to(undone[name].before, undone[name].after, standing), standing
            )
            for name in targets
            for standing in [now[subscriptions[name]]]
        }
        operations.run_all(following, targets)
        for name, more in following.items():
            ran[name] += more
    return {name: _Ran(subscriptions[name], own) for name, own in ran.items()}


class _Warnings:
    """What there is to warn of, of changes that were made together."""

    def __init__(self, subscription_ids: Sequence[str], *, versions: Collection[str]) -> None:
        rows = Subscription.objects.filter(pk__in=subscription_ids)
        self.currencies = dict(rows.values_list("id", "currency"))
        self._histories = {
            each.subscription_id: each for each in subscriptions.histories(subscription_ids)
        }
        self._features = catalog.features()
        self._terms = catalog.terms_of(versions)

    def of(
        self, ran: _Ran, before: Standing | None, after: Standing, rows: Sequence[dict[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        history = self._histories[ran.subscription_id]
        yield from warnings.add_ons_ending(before, history, asked=_add_ons_named(ran.operations))
        yield from warnings.limits_falling(rows, self._features)
        yield from warnings.overrides_waiting(before, after)
        yield from warnings.estimates(
            self._terms[after["plan_version"]],
            interval=after["interval"],
            currency=self.currencies[ran.subscription_id],
        )


def _add_ons_named(asked: Operations) -> Iterator[str]:
    """Return the keys of the add-ons that operations are about."""
    for each in asked:
        for body in each.values():
            for reference in (*body.get("add_ons", {}), body.get("add_on")):
                if reference:
                    yield catalog.find_add_on(reference).key


def _check_constraints() -> None:
    """Have the database check now what it checks at the commit, and go on as before."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def differing(performed: Performed) -> list[str]:
    """Name the parts in which what was done is not what was previewed. What only lies ahead is not
    compared: it follows from the rest."""
    item = performed.item
    shown = _at_once(item.preview or {}, item) | {"before": item.before, "after": item.after}
    done = _at_once(performed.preview, item)
    done |= {"before": performed.before, "after": performed.after}
    return [name for name in sorted(done) if done[name] != shown[name]]


def _at_once(preview: Mapping[str, Any], item: ChangeSetItem) -> dict[str, Any]:
    at = differences.written(item.effective_at)
    return {
        "money": {name: each for name, each in preview["money"].items() if name != "next_invoice"},
        "entitlements": preview["entitlements"],
        "provisioning": [each for each in preview["provisioning"] if each["at"] == at],
    }
