"""The versions of plans: what a plan costs and gives, and putting it on and off sale."""

from typing import Any, Protocol

from django.db.models import Q, QuerySet

from core.api.lists import Filter, Filters
from core.api.lookups import find
from core.api.operations import Change, Changed, changes, lists, reads
from core.api.views import ApiRequest, ApiView
from core.principals import LimitedCaller, Principal, Scope
from plans import queries, services
from plans.api import examples
from plans.api.serializers import PlanVersionOut
from plans.api.views import READ, TAG, find_plan
from plans.errors import (
    PlanNotFound,
    PlanVersionNotFound,
    VersionInUse,
    VersionNotDraft,
    VersionNotPublished,
)
from plans.models import Plan, PlanVersion, VersionStatus
from plans.services import VersionNotPublishable

_WRITE = {"POST": Scope.CATALOG_WRITE}


def _versions(plan: Plan, principal: Principal) -> QuerySet[PlanVersion]:
    """Who may write the catalog sees every version; others what is or was on sale to them."""
    rows = queries.versions().filter(plan=plan)
    if principal.may(Scope.CATALOG_WRITE) and principal.customer_id is None:
        return rows
    mine = Q(private_key="")
    if principal.customer_id is not None:
        named = queries.private_versions(principal.customer_id)
        mine |= Q(pk__in=named)
    return rows.exclude(status=VersionStatus.DRAFT).filter(mine)


def _version(plan: Plan, reference: str, principal: Principal) -> PlanVersion:
    return find(
        _versions(plan, principal),
        reference,
        prefix="plv",
        missing=PlanVersionNotFound,
        principal=None,
        key_field=None,
    )


class _Command(Protocol):
    def __call__(self, *, version_id: str) -> PlanVersion: ...


def _moved(request: ApiRequest, plan: str, version: str, command: _Command) -> Changed:
    """Find a version as the caller sees it, run a command on it, tell its new status."""
    request.principal.require_unlimited()
    found = _version(find_plan(plan), version, request.principal)
    row = command(version_id=found.id)
    return Changed(row, changes=[Change("status", found.status, row.status)])


class VersionFilters(Filters):
    status = Filter.choice(VersionStatus, "status", "Versions in this status.")


class Versions(ApiView):
    scopes = READ

    @lists(
        PlanVersionOut,
        filters=VersionFilters,
        tag=TAG,
        summary="List a plan's versions",
        order="-number",
        description=(
            "Newest first. Drafts and other customers' private versions are shown only to callers "
            "who may write the catalog."
        ),
        problems=(PlanNotFound,),
        response_example=examples.VERSION,
    )
    def get(self, request: ApiRequest, plan: str) -> QuerySet[PlanVersion]:
        return _versions(find_plan(plan), request.principal)


class OneVersion(ApiView):
    scopes = READ

    @reads(
        PlanVersionOut,
        tag=TAG,
        summary="Get a version of a plan",
        description="Its prices, values and terms. Found by those whom the list shows it to.",
        problems=(PlanNotFound, PlanVersionNotFound),
        response_example=examples.VERSION,
    )
    def get(self, request: ApiRequest, plan: str, version: str) -> PlanVersion:
        return _version(find_plan(plan), version, request.principal)


class PublishVersion(ApiView):
    scopes = _WRITE

    @changes(
        None,
        PlanVersionOut,
        tag=TAG,
        summary="Publish a draft",
        description=(
            "The version is on sale at once, or from its own instant, and never changes again. "
            "Who is subscribed to an earlier one stays on it."
        ),
        problems=(
            LimitedCaller,
            PlanNotFound,
            PlanVersionNotFound,
            VersionNotDraft,
            VersionNotPublishable,
        ),
        request_example=examples.PUBLISH,
        response_example=examples.VERSION,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], plan: str, version: str) -> Changed:
        return _moved(request, plan, version, services.publish_version)


class ArchiveVersion(ApiView):
    scopes = _WRITE

    @changes(
        None,
        PlanVersionOut,
        tag=TAG,
        summary="Archive a version",
        description="It is no longer sold. Who is subscribed to it stays on it.",
        problems=(
            LimitedCaller,
            PlanNotFound,
            PlanVersionNotFound,
            VersionNotPublished,
            VersionInUse,
        ),
        request_example=examples.ARCHIVE,
        response_example=examples.ARCHIVED_VERSION,
    )
    def post(self, request: ApiRequest, data: dict[str, Any], plan: str, version: str) -> Changed:
        return _moved(request, plan, version, services.archive_version)
