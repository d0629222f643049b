"""Bring facts and timelines in line with what grants them: the only code that writes them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Greatest

from core import acting, bulk, clock, ids
from core import events as bus
from core.models import Event
from core.transactions import command
from customers.events import PAYMENT_METHOD_CHANGED
from entitlements import blocks, events, models, rows, timelines
from entitlements.blocks import Block
from entitlements.facts import Fact
from entitlements.queries.granted import Granted, granted
from entitlements.resolution import Segment, clipped, segments
from plans import queries as catalog
from plans.terms import FeatureTerms
from subscriptions import queries as subscriptions
from subscriptions.blocks import BlockScope
from subscriptions.events import BLOCK_TYPES

_MOMENT = timedelta(microseconds=1)
_BLOCKS = frozenset(each.name for each in BLOCK_TYPES)
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
    hold, and their timelines with the facts and with the blocks of whole owners.

    Runs in the publisher's transaction, under the customers' turns; a fixed number of queries,
    however many customers. Where nothing has changed, nothing is written or published.
    """
    at = _latest(happened)
    features = catalog.features()
    subject_ids = _subjects(happened)
    known = _known_rows(at.keys(), subject_ids)
    before = {row.id: rows.fact_of(row, features) for row in known}
    wanted = granted(at, subject_ids=subject_ids)
    gone = [row_id for row_id, fact in before.items() if fact not in wanted.facts]
    new = wanted.facts - set(before.values())
    touched = {_owner(fact) for fact in new} | {_owner(before[each]) for each in gone}
    stored = _stored(touched | _blockable(happened))
    touched |= _blocked_otherwise(stored, wanted.blocks, at)
    if not touched:
        return
    _supersede(gone)
    _record(new)
    revisions = _bump({owner.customer_id for owner in touched})
    changed = _rewrite(
        [stored[owner] for owner in sorted(touched, key=lambda each: each.id)],
        wanted,
        features,
        at=at,
        revisions=revisions,
    )
    _publish(changed)


def pass_boundaries(due: Mapping[str, datetime]) -> None:
    """Announce what time alone has changed for these customers at their instants.

    The values were right before: they are read by time. No revision is given, no fact written.
    """
    features = catalog.features()
    changed: list[_Changed] = []
    blocked: dict[str, datetime] = {}
    for row in models.Timeline.objects.filter(
        customer_id__in=due, next_boundary_at__lte=max(due.values())
    ).order_by("owner_id"):
        at = due[row.customer_id]
        if row.next_boundary_at is not None and row.next_boundary_at <= at:
            held = timelines.from_json(row.segments, features)
            own = blocks.from_json(row.blocks)
            is_blocks = _is_passed(blocks.changes_at(own, row.next_boundary_at - _MOMENT), at)
            passed = _all_features(row) if is_blocks else _passed(row, held, at)
            if is_blocks and row.subject_id is None:
                blocked[row.customer_id] = at
            _fill(row, clipped(held, at), own, at)
            changed.append(_Changed(row, passed, at))
    bulk.write(
        models.Timeline,
        columns=["segments", "blocks", "starts_at", "next_boundary_at"],
        rows=[each.row for each in changed],
    )
    announced = {each.row.owner_id for each in changed}
    of_subjects = [each for each in _of_subjects(blocked) if each.row.owner_id not in announced]
    _publish([*changed, *of_subjects])


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
    bulk.insert(models.Fact, [rows.row_of(fact, recorded_at=now, acting=who) for fact in in_order])


def _bump(customer_ids: Iterable[str]) -> dict[str, int]:
    """Give each customer its next revision."""
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, [[ids.decode(each, prefix="cus") for each in sorted(customer_ids)]])
        return {ids.encode("cus", customer): number for customer, number in cursor.fetchall()}


def _subjects(happened: Iterable[Event]) -> set[str]:
    """Return the subjects whose facts the events may change: a product's block is about all, a
    payment method about those whose trial it decides."""
    named = {each.subject_id for each in happened if each.subject_id}
    wide = {
        each.customer_id
        for each in happened
        if each.type in _BLOCKS and each.data["scope"] == BlockScope.PRODUCT
    }
    if wide:
        held = models.Timeline.objects.filter(customer_id__in=wide, subject__isnull=False)
        named |= set(held.values_list("subject_id", flat=True))
    paying = {
        each.customer_id
        for each in happened
        if each.type == PAYMENT_METHOD_CHANGED.name and each.customer_id is not None
    }
    if paying:
        named |= subscriptions.subjects_with_trials(paying)
    return named


def _blockable(happened: Iterable[Event]) -> set[_Owner]:
    """Return the owners who are blocked, or no longer, as a whole."""
    return {
        _Owner(each.customer_id, each.subject_id)
        for each in happened
        if each.type in _BLOCKS
        and each.customer_id is not None
        and each.data["scope"] in (BlockScope.CUSTOMER, BlockScope.SUBJECT)
    }


def _stored(owners: Collection[_Owner]) -> dict[_Owner, models.Timeline]:
    """Return the owners' timelines, new ones for those who had none."""
    found = models.Timeline.objects.in_bulk([owner.uuid for owner in owners])
    return {
        owner: found.get(owner.uuid)
        or models.Timeline(
            owner_id=owner.uuid, customer_id=owner.customer_id, subject_id=owner.subject_id
        )
        for owner in owners
    }


def _blocked_otherwise(
    stored: Mapping[_Owner, models.Timeline],
    wanted: Mapping[str, tuple[Block, ...]],
    at: Mapping[str, datetime],
) -> set[_Owner]:
    """Return the owners whose blocks, as a whole, are not those that are stored."""
    return {
        owner
        for owner, row in stored.items()
        if blocks.standing(blocks.from_json(row.blocks), at[owner.customer_id])
        != blocks.standing(wanted.get(owner.id, ()), at[owner.customer_id])
    }


def _rewrite(
    written: Sequence[models.Timeline],
    wanted: Granted,
    features: Mapping[str, FeatureTerms],
    *,
    at: Mapping[str, datetime],
    revisions: Mapping[str, int],
) -> list[_Changed]:
    """Compute timelines anew; return which are different now, those of subjects whose customer is
    blocked otherwise included."""
    of_owner: dict[str, list[Fact]] = {row.owner: [] for row in written}
    for fact in wanted.facts:
        if fact.owner_id in of_owner:
            of_owner[fact.owner_id].append(fact)
    changed: list[_Changed] = []
    blocked: dict[str, datetime] = {}
    for row in written:
        instant = at[row.customer_id]
        after = segments(of_owner[row.owner], features, instant)
        names = _changed_features(row, after, features, instant)
        before = row.blocks
        _fill(row, after, wanted.blocks.get(row.owner, ()), instant)
        row.revision = revisions[row.customer_id]
        if row.blocks != before:
            names = _all_features(row)
            if row.subject_id is None:
                blocked[row.customer_id] = instant
        if names:
            changed.append(_Changed(row, names, instant))
    models.Timeline.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["owner_id"],
        update_fields=["starts_at", "segments", "blocks", "next_boundary_at", "revision"],
    )
    seen = {row.owner_id for row in written}
    return [
        *changed,
        *(each for each in _of_subjects(blocked) if each.row.owner_id not in seen),
    ]


def _of_subjects(at: Mapping[str, datetime]) -> list[_Changed]:
    """Return that all that subjects of these customers have is blocked, or no longer, as of the
    customers' revisions."""
    if not at:
        return []
    held = models.Timeline.objects.filter(customer_id__in=at, subject__isnull=False)
    current = models.CustomerRevision.objects.filter(pk=OuterRef("customer_id"))
    held.update(revision=Subquery(current.values("revision")))
    found = [(row, _all_features(row)) for row in held.order_by("owner_id")]
    return [_Changed(row, names, at[row.customer_id]) for row, names in found if names]


def _all_features(row: models.Timeline) -> list[str]:
    return sorted(row.segments["features"])


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


def _is_passed(boundary: datetime | None, at: datetime) -> bool:
    return boundary is not None and boundary <= at


def _fill(
    row: models.Timeline, held: Sequence[Segment], own: Iterable[Block], at: datetime
) -> None:
    standing = blocks.standing(own, at)
    row.starts_at = at
    row.segments = timelines.to_json(held)
    row.blocks = blocks.to_json(standing)
    row.next_boundary_at = next_boundary(held, standing, at)


def next_boundary(
    held: Sequence[Segment], own: Sequence[Block], after: datetime
) -> datetime | None:
    """Return the next instant at which time alone changes what an owner may use."""
    instants = (timelines.next_boundary(held, after), blocks.changes_at(own, after))
    return min((each for each in instants if each is not None), default=None)


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
