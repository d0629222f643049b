"""Publish a draft; take a version off sale."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core import events, preconditions
from core.errors import FieldProblem, Unprocessable
from core.events import Fact
from core.transactions import command
from plans import queries, snapshot
from plans.document import rules
from plans.document.difference import pointer_of
from plans.document.nodes import write_instant
from plans.document.sections import SECTIONS, Document
from plans.errors import VersionInUse, VersionNotDraft, VersionNotPublished
from plans.events import (
    ADD_ON_VERSION_PUBLISHED,
    PLAN_VERSION_ARCHIVED,
    PLAN_VERSION_PUBLISHED,
)
from plans.models import AddOnVersion, Feature, Meter, PlanVersion, VersionStatus
from plans.services.writing import catalog_turn


class VersionNotPublishable(Unprocessable):
    """The draft does not fit the catalog as it is now; ``errors`` name every reason."""

    code = "version_not_publishable"


@command
def publish_version(*, version_id: str) -> PlanVersion:
    """Put a draft of a plan on sale: at once, or from its ``effective_from``.

    :raises PlanVersionNotFound: if there is no such version
    :raises VersionNotDraft: if it is published or archived already
    :raises VersionNotPublishable: naming what is missing or wrong
    """
    with catalog_turn() as at:
        row = queries.version(version_id)
        preconditions.verify(row)
        if row.status != VersionStatus.DRAFT:
            raise VersionNotDraft(f"the version is {row.status}")
        _require_publishable(row)
        publish([row], [], at=at)
        return queries.version(row.id)


@command
def archive_version(*, version_id: str) -> PlanVersion:
    """Take a published version off sale. Its subscribers keep it.

    :raises PlanVersionNotFound: if there is no such version
    :raises VersionNotPublished: if it is a draft or archived already
    :raises VersionInUse: if what stays on sale would not fit together, naming what
    """
    with catalog_turn() as at:
        row = queries.version(version_id)
        preconditions.verify(row)
        if row.status != VersionStatus.PUBLISHED:
            raise VersionNotPublished(f"the version is {row.status}")
        before = _misfits()
        row.status, row.archived_at = VersionStatus.ARCHIVED, at
        row.save(update_fields=["status", "archived_at"])
        broken = [each for each in _misfits() if each not in before]
        if broken:
            raise VersionInUse(f"{row.plan.key} is needed as it is on sale now", errors=broken)
        data = {"plan": row.plan.key, "version": row.id, "number": row.number}
        events.publish([Fact(PLAN_VERSION_ARCHIVED, at=at, data=data)])
        return row


def publish(
    plan_versions: Sequence[PlanVersion], add_on_versions: Sequence[AddOnVersion], *, at: datetime
) -> None:
    """Publish drafts in the caller's turn, and fix the meaning of what they rely on.

    The first version of a plan or add-on is effective since always, a private one unless it names
    an instant; any other from its instant, or from now.
    """
    for version in plan_versions:
        _mark_published(version, at=at, since_always=version.is_private or version.number == 1)
    for each in add_on_versions:
        _mark_published(each, at=at, since_always=each.number == 1)
    _fix_meanings("plan_version", [version.id for version in plan_versions], at=at)
    _fix_meanings("add_on_version", [version.id for version in add_on_versions], at=at)
    events.publish(
        [_plan_published(version, at=at) for version in plan_versions]
        + [_add_on_published(version, at=at) for version in add_on_versions]
    )


def _mark_published(
    version: PlanVersion | AddOnVersion, *, at: datetime, since_always: bool
) -> None:
    if version.number == 1:
        version.effective_from = None
    elif version.effective_from is None and not since_always:
        version.effective_from = at
    version.status, version.published_at = VersionStatus.PUBLISHED, at
    version.save(update_fields=["status", "published_at", "effective_from"])


def _fix_meanings(owner: str, version_ids: Sequence[str], *, at: datetime) -> None:
    features = Feature.objects.filter(**{f"values__{owner}__in": version_ids}, published_at=None)
    meters = set(features.exclude(meter=None).values_list("meter_id", flat=True))
    priced = Meter.objects.filter(**{f"prices__{owner}__in": version_ids})
    meters |= set(priced.values_list("pk", flat=True))
    Feature.objects.filter(pk__in=list(features.values_list("pk", flat=True))).update(
        published_at=at
    )
    Meter.objects.filter(pk__in=meters, published_at=None).update(published_at=at)


def _plan_published(version: PlanVersion, *, at: datetime) -> Fact:
    data = {
        "plan": version.plan.key,
        "version": version.id,
        "number": version.number,
        "effective_from": _instant(version.effective_from),
        "private": version.is_private,
    }
    return Fact(PLAN_VERSION_PUBLISHED, at=at, data=data)


def _add_on_published(version: AddOnVersion, *, at: datetime) -> Fact:
    data = {
        "add_on": version.add_on.key,
        "version": version.id,
        "number": version.number,
        "effective_from": _instant(version.effective_from),
    }
    return Fact(ADD_ON_VERSION_PUBLISHED, at=at, data=data)


def _instant(at: datetime | None) -> str | None:
    return None if at is None else write_instant(at)


def _require_publishable(row: PlanVersion) -> None:
    """Check the draft as if a document asked to publish it, against the catalog of now."""
    catalog = snapshot.load()
    plan = catalog.objects["plans"][row.plan.key]
    draft = catalog.line("plans", row.plan.key, row.private_key).draft
    if draft is None:
        raise VersionNotDraft("the version is no draft")
    line = {"publish": True, "effective_from": draft.effective_from, "terms": draft.terms}
    objects: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in SECTIONS}
    objects["plans"][row.plan.key] = {**plan, "lines": {row.private_key: line}}
    _, problems = rules.check(Document(objects), catalog)
    if problems:
        raise VersionNotPublishable(
            "the draft does not fit the catalog as it is", errors=_below(row, problems)
        )


def _below(row: PlanVersion, problems: Sequence[FieldProblem]) -> list[FieldProblem]:
    """Point into the version instead of into a document."""
    own = pointer_of("plans", row.plan.key, row.private_key)
    return [
        FieldProblem(each.pointer.removeprefix(own), each.code, each.detail) for each in problems
    ]


def _misfits() -> list[FieldProblem]:
    """Return what does not fit together in the catalog as this transaction sees it."""
    nothing: dict[str, dict[str, dict[str, Any]]] = {section: {} for section in SECTIONS}
    _, problems = rules.check(Document(nothing), snapshot.load())
    return problems
