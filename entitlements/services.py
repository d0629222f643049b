"""Bring facts and timelines in line with what grants them: the only code that writes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from core import acting, clock, ids
from core import events as bus
from core.models import Event
from core.transactions import command
from entitlements import events, models, rows, timelines
from entitlements.facts import Fact
from entitlements.queries.granted import granted
from entitlements.resolution import Segment, clipped, segments
from plans import queries as catalog
from plans.terms import FeatureTerms

_MOMENT = timedelta(microseconds=1)
# An epoch is the minute it began in, so that none is ever used again: not even by restoring, after
# one backup, an older one that knows nothing of the epoch begun then.
_BEGIN_EPOCH = """
    INSERT INTO entitlements_customerrevision AS r (customer_id, epoch, revision)
    SELECT id, %(minute)s, 1 FROM customers_customer
    ON CONFLICT (customer_id) DO UPDATE SET epoch = greatest(r.epoch + 1, excluded.epoch)
"""
_BUMP = """
    INSERT INTO entitlements_customerrevision AS r (customer_id, epoch, revision)
    SELECT customer_id, 1, 1 FROM unnest(%s::uuid[]) AS changed (customer_id)
    ON CONFLICT (customer_id) DO UPDATE SET revision = r.revision + 1
    RETURNING customer_id, revision
"""


@dataclass(frozen=True, slots=True)
class _Owner:
    customer_id: str
    subject_id: str | None

    @property
    def id(self) -> str:
        return self.subject_id or self.customer_id

    @property
    def uuid(self) -> UUID:
        return ids.decode(self.id, prefix="sbj" if self.subject_id else "cus")


@dataclass(frozen=True, slots=True)
class _Changed:
    """A timeline that is different from an instant on, in some features."""

    row: models.Timeline
    features: Sequence[str]
    at: datetime


def sync(happened: Sequence[Event]) -> None:
    """Bring the facts of the customers and subjects that the events name in line with what they
    hold, and their timelines with the facts.

    Runs in the publisher's transaction, under the customers' turns; a fixed number of queries,
    however many customers. Where nothing has changed, nothing is written or published.
    """
    at = _latest(happened)
    subject_ids = {each.subject_id for each in happened if each.subject_id}
    features = catalog.features()
    known = _known_rows(at.keys(), subject_ids)
    before = {row.id: rows.fact_of(row, features) for row in known}
    wanted = granted(at, subject_ids=subject_ids)
    gone = [row_id for row_id, fact in before.items() if fact not in wanted]
    new = wanted - set(before.values())
    if not gone and not new:
        return
    _supersede(gone)
    _record(new)
    touched = {_owner(fact) for fact in new} | {_owner(before[each]) for each in gone}
    revisions = _bump({owner.customer_id for owner in touched})
    _rewrite(touched, wanted, features, at=at, revisions=revisions)


def pass_boundaries(due: Mapping[str, datetime]) -> None:
    """Announce what time alone has changed for these customers at their instants.

    The values were right before: they are read by time. No revision is given, no fact written.
    """
    features = catalog.features()
    changed: list[_Changed] = []
    for row in models.Timeline.objects.filter(
        customer_id__in=due, next_boundary_at__lte=max(due.values())
    ).order_by("owner_id"):
        at = due[row.customer_id]
        if row.next_boundary_at is not None and row.next_boundary_at <= at:
            held = timelines.from_json(row.segments, features)
            passed = _passed(row, held, at)
            _fill(row, clipped(held, at), at)
            changed.append(_Changed(row, passed, at))
    models.Timeline.objects.bulk_update(
        [each.row for each in changed], ["segments", "starts_at", "next_boundary_at"]
    )
    _publish(changed)


@command
def begin_epoch() -> int:
    """Begin a new epoch for every customer, after a backup was restored; return how many.

    Whoever saw a later revision of the lost history accepts the lower ones of the new epoch. A
    customer that has no revision yet may have had one in what was lost, so it begins one, too.
    """
    minute = int(clock.system_now().timestamp()) // 60
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN_EPOCH, {"minute": minute})
        return int(cursor.rowcount)


def _latest(happened: Iterable[Event]) -> dict[str, datetime]:
    """Return each customer's latest instant. Events of the catalog belong to no customer."""
    at: dict[str, datetime] = {}
    for each in happened:
        if each.customer_id is not None:
            at[each.customer_id] = max(each.occurred_at, at.get(each.customer_id, each.occurred_at))
    return at


def _known_rows(customer_ids: Collection[str], subject_ids: Collection[str]) -> list[models.Fact]:
    of_owners = Q(subject=None) | Q(subject_id__in=subject_ids)
    return list(models.Fact.objects.known().filter(of_owners, customer_id__in=customer_ids))


def _supersede(row_ids: Sequence[str]) -> None:
    if row_ids:
        models.Fact.objects.filter(pk__in=row_ids).update(
            superseded_at=Greatest(F("recorded_at"), Value(clock.system_now()))
        )


def _record(new: Iterable[Fact]) -> None:
    now, who = clock.system_now(), acting.current()
    in_order = sorted(new, key=lambda fact: (fact.owner_id, fact.feature, fact.starts_at))
    models.Fact.objects.bulk_create(
        rows.row_of(fact, recorded_at=now, acting=who) for fact in in_order
    )


def _bump(customer_ids: Iterable[str]) -> dict[str, int]:
    """Give each customer its next revision."""
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, [[ids.decode(each, prefix="cus") for each in sorted(customer_ids)]])
        return {ids.encode("cus", customer): number for customer, number in cursor.fetchall()}


def _rewrite(
    owners: Collection[_Owner],
    current: Iterable[Fact],
    features: Mapping[str, FeatureTerms],
    *,
    at: Mapping[str, datetime],
    revisions: Mapping[str, int],
) -> None:
    """Compute the owners' timelines anew, and publish for those that are different now."""
    stored = models.Timeline.objects.in_bulk([owner.uuid for owner in owners])
    of_owner: dict[str, list[Fact]] = {owner.id: [] for owner in owners}
    for fact in current:
        if fact.owner_id in of_owner:
            of_owner[fact.owner_id].append(fact)
    written: list[models.Timeline] = []
    changed: list[_Changed] = []
    for owner in sorted(owners, key=lambda owner: owner.id):
        instant = at[owner.customer_id]
        after = segments(of_owner[owner.id], features, instant)
        row = stored.get(owner.uuid) or models.Timeline(
            owner_id=owner.uuid, customer_id=owner.customer_id, subject_id=owner.subject_id
        )
        names = _changed_features(row, after, features, instant)
        _fill(row, after, instant)
        row.revision = revisions[owner.customer_id]
        written.append(row)
        if names:
            changed.append(_Changed(row, names, instant))
    models.Timeline.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["owner_id"],
        update_fields=["starts_at", "segments", "next_boundary_at", "revision"],
    )
    _publish(changed)


def _changed_features(
    row: models.Timeline,
    after: Sequence[Segment],
    features: Mapping[str, FeatureTerms],
    at: datetime,
) -> list[str]:
    if not row.segments:
        return timelines.changed_features((), after, passed=())
    held = timelines.from_json(row.segments, features)
    return timelines.changed_features(clipped(held, at), after, passed=_passed(row, held, at))


def _passed(row: models.Timeline, held: Iterable[Segment], at: datetime) -> list[str]:
    """Name the features whose boundaries up to an instant have not been announced."""
    if row.next_boundary_at is None or row.next_boundary_at > at:
        return []
    return timelines.passing(held, after=row.next_boundary_at - _MOMENT, until=at)


def _fill(row: models.Timeline, held: Sequence[Segment], at: datetime) -> None:
    row.starts_at = at
    row.segments = timelines.to_json(held)
    row.next_boundary_at = timelines.next_boundary(held, at)


def _publish(changed: Iterable[_Changed]) -> None:
    bus.publish(
        [
            bus.Fact(
                events.ENTITLEMENTS_CHANGED,
                at=each.at,
                customer_id=each.row.customer_id,
                subject_id=each.row.subject_id,
                data={
                    "owner": each.row.owner,
                    "features": list(each.features),
                    "revision": each.row.revision,
                },
            )
            for each in changed
        ]
    )


def _owner(fact: Fact) -> _Owner:
    return _Owner(fact.customer_id, fact.subject_id)
