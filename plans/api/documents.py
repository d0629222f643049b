"""The catalog as one document."""

from typing import Any

from core.api.fields import StrictBoolean
from core.api.operations import Changed, Parameter, changes, reads
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Scope
from plans import services
from plans.api import examples
from plans.api.serializers import MAX_DOCUMENT_BYTES, CatalogIn, CatalogOut, CatalogPlanOut
from plans.document.difference import CatalogPlan, pointer_of
from plans.services import CatalogInvalid


class Catalog(ApiView):
    scopes = {"GET": Scope.CATALOG_WRITE, "PUT": Scope.CATALOG_WRITE}
    max_body_bytes = MAX_DOCUMENT_BYTES

    @reads(
        CatalogOut,
        tag="catalog",
        summary="Export the catalog",
        description=(
            "One document with everything, private versions included. Applied again, it changes "
            "nothing. Of a plan or add-on it holds the newest version that is not archived."
        ),
        problems=(LimitedCaller,),
        response_example=examples.CATALOG,
    )
    def get(self, request: ApiRequest) -> dict[str, Any]:
        request.principal.require_unlimited()
        return services.export_catalog()

    @changes(
        CatalogIn,
        CatalogPlanOut,
        tag="catalog",
        summary="Apply a catalog document",
        description=(
            "Makes the catalog what the document says, whole or not at all. Objects that it does "
            "not name stay and are listed as `unmanaged`; archiving is `archived: true`. A plan or "
            "add-on with other terms gets a new version: a draft unless it says `publish: true`. "
            "With `dry_run=true` nothing is changed and `errors` lists what is wrong."
        ),
        parameters=(
            Parameter("dry_run", StrictBoolean(default=False), "Only say what applying would do."),
        ),
        problems=(LimitedCaller, CatalogInvalid),
        request_example=examples.DOCUMENT,
        response_example=examples.CATALOG_PLAN,
        matches=CatalogOut,
    )
    def put(self, request: ApiRequest, data: dict[str, Any]) -> Changed:
        request.principal.require_unlimited()
        if request.parameters.get("dry_run", False):
            return Changed(_shown(services.plan_catalog(tree=data)))
        return Changed(_shown(services.apply_catalog(tree=data)))


def _shown(plan: CatalogPlan) -> dict[str, Any]:
    """Return what a document does as its answer shows it."""
    return {
        "create": [each.pointer for each in plan.create],
        "update": [
            {"pointer": pointer, "field": each.field, "before": each.before, "after": each.after}
            for pointer, each in plan.updates
        ],
        "new_version": [
            {"pointer": pointer_of(each.section, each.key, each.line), "publish": each.publish}
            for each in plan.new_versions
        ],
        "unchanged": plan.unchanged,
        "unmanaged": plan.unmanaged,
        "errors": plan.errors,
    }
