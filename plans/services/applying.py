"""Plan, apply and export the catalog as one document."""

from itertools import islice
from typing import Any

from core import events, preconditions
from core.errors import FieldProblem, Unprocessable
from core.events import Fact
from core.transactions import command
from plans import snapshot
from plans.document import difference, rules
from plans.document.difference import CatalogPlan, pointer_of
from plans.document.export import export
from plans.document.sections import read_document
from plans.document.state import Catalog
from plans.events import CATALOG_APPLIED
from plans.services.publishing import publish
from plans.services.storing import Store
from plans.services.writing import catalog_turn

MOST_ERRORS = 1000


class CatalogInvalid(Unprocessable):
    """The document has errors, the first 1,000 of them in ``errors``; nothing was changed."""

    code = "catalog_invalid"


def plan_catalog(*, tree: Any) -> CatalogPlan:
    """Say what applying a document would do, errors included. Changes nothing."""
    catalog = snapshot.load()
    preconditions.verify(export(catalog))
    return _plan(tree, catalog)


@command
def apply_catalog(*, tree: Any) -> CatalogPlan:
    """Make the catalog what the document says, whole or not at all. Say what was done.

    Objects that the document does not name stay as they are. A plan or add-on with other terms
    gets a new version, published only if the document says so.

    :raises CatalogInvalid: with every error, up to 1,000
    """
    with catalog_turn() as at:
        catalog = snapshot.load()
        preconditions.verify(export(catalog))
        plan = _plan(tree, catalog)
        if plan.errors:
            more = " or more" if len(plan.errors) == MOST_ERRORS else ""
            raise CatalogInvalid(
                f"the document has {len(plan.errors)} errors{more}; nothing was changed",
                errors=plan.errors,
            )
        if plan.changes_nothing:
            return plan
        store = Store(at=at)
        store.define(plan)
        plan_versions, add_on_versions = store.write_versions(plan)
        publish(plan_versions, add_on_versions, at=at)
        store.set_landings(plan)
        data = {
            "created": [each.pointer for each in plan.create],
            "updated": [each.pointer for each in plan.update],
            "new_versions": [
                pointer_of(each.section, each.key, each.line) for each in plan.new_versions
            ],
        }
        events.publish([Fact(CATALOG_APPLIED, at=at, data=data)])
        return plan


def export_catalog() -> dict[str, Any]:
    """Return the catalog as a document that, applied again, changes nothing."""
    return export(snapshot.load())


def _plan(tree: Any, catalog: Catalog) -> CatalogPlan:
    document, problems = read_document(tree)
    checked, broken_rules = rules.check(document, catalog)
    errors = _unique([*problems, *broken_rules])
    if errors:
        return CatalogPlan(errors=errors)
    return difference.compare(checked, catalog)


def _unique(problems: list[FieldProblem]) -> tuple[FieldProblem, ...]:
    return tuple(islice(dict.fromkeys(problems), MOST_ERRORS))
