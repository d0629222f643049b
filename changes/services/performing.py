"""Run the commands of one item, and read what they did. A preview and an apply both come here, so
they cannot differ in how they look."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from changes import differences, money, operations, undoing, warnings
from changes.models import ChangeSet, ChangeSetItem
from changes.money import Mark
from changes.operations import Target
from changes.reading import Owners, documents, holdings
from changes.standing import standing
from changes.undoing import Standing
from plans import queries as catalog
from subscriptions import queries as subscriptions
from subscriptions.models import Subscription

Operations = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Performed:
    """What the commands of an item did at its instant. ``mark`` is what was charged by then."""

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


def perform(item: ChangeSetItem, change_set: ChangeSet) -> Performed:
    """Run an item's operations at its instant, in its customer's turn; read what is different.

    Deferred constraints are checked before anything is read.

    :raises DomainError: what the commands refuse
    :raises CannotBeUndone: of an undo, if no command leads back
    """
    owners = Owners(item.customer_id, item.subject_id)
    customer_id, known = item.customer_id, item.subscription_id
    before = standing(known) if known else None
    held, wanted = holdings(owners), documents(owners)
    marked = money.mark(customer_id=customer_id, subscription_id=known)
    subscription_id, asked = _carry_out(item, change_set)
    _check_constraints()
    after = standing(subscription_id)
    currency = Subscription.objects.values_list("currency", flat=True).get(pk=subscription_id)
    rows = differences.entitlement_changes(held, holdings(owners), at=item.effective_at)
    preview = {
        "money": money.moved(
            marked, customer_id=customer_id, subscription_id=subscription_id, currency=currency
        ),
        "entitlements": rows,
        "provisioning": differences.document_changes(
            wanted, documents(owners), at=item.effective_at
        ),
        "warnings": [*_warnings(subscription_id, before, after, currency, rows, asked)],
    }
    mark = money.mark(customer_id=customer_id, subscription_id=subscription_id)
    return Performed(subscription_id, currency, before, after, preview, mark)


def _carry_out(item: ChangeSetItem, change_set: ChangeSet) -> tuple[str, Operations]:
    """Run what was asked for, or the way back; return the subscription, and what was run."""
    target = Target(
        item.customer_id,
        item.subject_id,
        item.subscription_id,
        may_override=change_set.may_override,
        source=change_set.created_by,
    )
    if item.undoes is None:
        return operations.run(change_set.operations, target), change_set.operations
    run: list[dict[str, Any]] = []
    for leads_back in (undoing.way_back, undoing.rest_of_the_way):
        following = leads_back(item.undoes.before, standing(target.subscription))
        if following:
            operations.run(following, target)
        run += following
    return target.subscription, run


def _warnings(
    subscription_id: str,
    before: Standing | None,
    after: Standing,
    currency: str,
    rows: Sequence[dict[str, Any]],
    asked: Operations,
) -> Iterator[dict[str, Any]]:
    (history,) = subscriptions.histories([subscription_id])
    yield from warnings.add_ons_ending(before, history, asked=_add_ons_named(asked))
    yield from warnings.limits_falling(rows, catalog.features())
    terms = catalog.terms(after["plan_version"])
    yield from warnings.estimates(terms, interval=after["interval"], currency=currency)


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


def differing(item: ChangeSetItem, performed: Performed) -> list[str]:
    """Name the parts in which what was done is not what was previewed. What only lies ahead is not
    compared: it follows from the rest."""
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
