"""What must always hold here, as queries that find where it does not."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from django.db.models import F, Q

from core.invariants import Invariant
from customers.models import Customer
from customers.queries import now_of
from entitlements.models import Timeline
from provisioning import documents
from provisioning.differences import Owned, differences, looks
from provisioning.models import ServiceConfiguration, Target

_BATCH = 500


def _applied_beyond_desired() -> Iterable[str]:
    beyond = Target.objects.filter(applied_generation__gt=F("desired_generation"))
    return beyond.values_list("pk", flat=True)


def _in_limbo() -> Iterable[str]:
    """Due, leased and paused targets all have a next attempt."""
    nowhere = Target.objects.lagging().filter(next_attempt_at=None, dead_lettered_at=None)
    return nowhere.values_list("pk", flat=True)


def _hashed_otherwise() -> Iterator[str]:
    for target in Target.objects.order_by("pk").iterator(_BATCH):
        documents_of = [each for each in (target.desired, target.applied) if each is not None]
        if any(documents.hash_of(each.content) != each.hash for each in documents_of):
            yield target.pk


def _about_another() -> Iterator[str]:
    """The row, its subject and its documents must all name one owner."""
    for target in Target.objects.select_related("subject").order_by("pk").iterator(_BATCH):
        content = target.desired_content
        named = (content["customer"], content["subject"], content["state"])
        owner = target.customer_id if target.subject is None else target.subject.customer_id
        if named != (owner, target.subject_id, target.state) or owner != target.customer_id:
            yield target.pk


def _planned_otherwise() -> Iterator[str]:
    """Look at all owners that have or had something, but those with work due at this moment."""
    services = list(
        ServiceConfiguration.objects.select_related("service").filter(planning_since=None)
    )
    held = Timeline.objects.order_by("owner_id").values_list("customer_id", "subject_id")
    rows = held.iterator(_BATCH)
    while owned := list(islice(rows, _BATCH)):
        yield from _misplanned(owned, services)


def _misplanned(owned: Sequence[Owned], services: Sequence[ServiceConfiguration]) -> Iterator[str]:
    settled = (
        Customer.objects.moving()
        .select_related("test_clock")
        .filter(pk__in={customer_id for customer_id, _ in owned})
        .filter(Q(test_clock=None) | Q(test_clock__advancing_to=None))
    )
    now = {each.id: now_of(each) for each in settled if not _has_due_work(each)}
    looked_at = looks({each: now[each[0]] for each in owned if each[0] in now})
    targets = Target.objects.of_owners([look.owner for look in looked_at])
    for each in differences(looked_at, services, list(targets)):
        yield each.target.pk if each.target else f"{each.service.service.key}:{each.look.owner.id}"


def _has_due_work(customer: Customer) -> bool:
    due_at = customer.next_due_at
    return due_at is not None and due_at <= now_of(customer)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "applied_is_not_beyond_desired",
        "No target is known to hold a generation that it was never meant to have.",
        _applied_beyond_desired,
    ),
    Invariant(
        "no_target_is_in_limbo",
        "Every target that lags is due, leased, paused or dead-lettered.",
        _in_limbo,
    ),
    Invariant(
        "hashes_are_those_of_their_documents",
        "The hash of every desired and applied document is the hash of its content.",
        _hashed_otherwise,
    ),
    Invariant(
        "targets_are_about_their_owner",
        "A target's customer, subject, state and document agree.",
        _about_another,
    ),
    Invariant(
        "documents_are_what_timelines_say",
        "Every target's document is the one planned from its owner's timeline now.",
        _planned_otherwise,
    ),
)
