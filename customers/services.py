"""Commands on customers and their subjects: the only code that writes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core import bulk, clock, preconditions
from core.errors import Conflict, NotFound
from core.events import Fact, publish
from core.periods import Anchor, UnknownZone, is_zone
from core.transactions import command
from customers import events, queries
from customers.clocks import ClockNotFound
from customers.models import Customer, CustomerProfile, Subject, TestClock
from customers.turns import ClockAdvancing, settle, turn

MOST_SUBJECTS_AT_ONCE = 500


class KeyTaken(Conflict):
    """Another object of this type already has the key."""

    code = "key_taken"


class SubjectNotFound(NotFound):
    """There is no such subject."""

    code = "subject_not_found"


class SubjectEnded(Conflict):
    """The subject has ended and takes no more commands."""

    code = "subject_ended"


@dataclass(frozen=True, slots=True)
class NewSubject:
    """A subject to be created. ``plans`` names plans instead of products' default plans."""

    kind: str
    key: str | None = None
    plans: Mapping[str, str] = field(default_factory=dict)


@command
def create_customer(
    *,
    currency: str,
    zone: str = "UTC",
    key: str | None = None,
    name: str = "",
    email: str = "",
    test_clock_id: str | None = None,
    plans: Mapping[str, str] | None = None,
) -> Customer:
    """Create a customer, on the default plans of all products sold to customers.

    ``plans`` names another plan for a product: {product key: plan key}. A customer created on a
    test clock lives in that clock's time for good.

    :raises KeyTaken: if a customer has the key already
    :raises ClockNotFound: if there is no such clock
    :raises ClockAdvancing: if the clock is moving
    :raises UnknownZone: if the zone is not in the time zone database
    """
    if not is_zone(zone):
        raise UnknownZone(f"{zone} is not a zone of the time zone database")
    at = _instant_on(test_clock_id)
    customer = Customer(
        key=key,
        currency=currency,
        zone=zone,
        test_clock_id=test_clock_id,
        created_at=at,
        last_acted_at=at,
    )
    _insert(customer)
    CustomerProfile.objects.create(customer=customer, name=name, email=email)
    publish(
        [
            Fact(
                events.CUSTOMER_CREATED,
                at=at,
                customer_id=customer.id,
                data={"plans": dict(plans or {})},
            )
        ]
    )
    settle({customer.id: at})
    customer.refresh_from_db()
    return customer


@command
def update_profile(
    *, customer_id: str, name: str | None = None, email: str | None = None
) -> tuple[Customer, dict[str, Any]]:
    """Change what is given; return the customer and which fields changed."""
    with turn(customer_id) as at:
        customer = Customer.objects.select_related("profile").get(pk=customer_id)
        preconditions.verify(customer)
        wanted = {"name": name, "email": email}
        changed = {
            field: value
            for field, value in wanted.items()
            if value is not None and value != getattr(customer.profile, field)
        }
        if changed:
            CustomerProfile.objects.filter(customer_id=customer_id).update(**changed)
            fields = {"fields": sorted(changed)}
            publish([Fact(events.CUSTOMER_UPDATED, at=at, customer_id=customer_id, data=fields)])
            customer.profile.refresh_from_db()
        return customer, changed


@command
def set_billing_anchors(*, anchors: Mapping[str, Anchor | None]) -> None:
    """Set or clear what customers' monthly purchases are aligned with, in their turns."""
    columns = ("billing_anchor_at", "billing_anchor_zone", "billing_anchor_day")
    rows = {
        customer_id: (anchor.at, anchor.zone, anchor.day_of_month) if anchor else (None, "", None)
        for customer_id, anchor in anchors.items()
    }
    bulk.write(Customer, columns=columns, rows=rows)
    queries.forget()


@command
def set_payment_method(*, customer_id: str, on_file: bool) -> tuple[Customer, bool]:
    """Say whether the customer has a payment method; return the customer and whether that is new.

    Trials that end as paid if there is one depend on it.
    """
    with turn(customer_id) as at:
        customer = Customer.objects.get(pk=customer_id)
        preconditions.verify(customer)
        if customer.payment_method_on_file == on_file:
            return customer, False
        customer.payment_method_on_file = on_file
        customer.save(update_fields=["payment_method_on_file"])
        queries.forget()
        data = {"on_file": on_file}
        publish([Fact(events.PAYMENT_METHOD_CHANGED, at=at, customer_id=customer_id, data=data)])
        return customer, True


@command
def close_customer(*, customer_id: str) -> Customer:
    """End everything a customer has, for good. Their books and their history stay.

    :raises CustomerClosed: if that was done before
    """
    with turn(customer_id) as at:
        customer = Customer.objects.get(pk=customer_id)
        preconditions.verify(customer)
        subjects = list(Subject.objects.current().filter(customer_id=customer_id))
        Subject.objects.filter(pk__in=[each.id for each in subjects]).update(ended_at=at)
        customer.closed_at = at
        customer.save(update_fields=["closed_at"])
        queries.forget()
        publish(
            [_ended(subject, at) for subject in subjects]
            + [Fact(events.CUSTOMER_CLOSED, at=at, customer_id=customer_id)]
        )
    customer.refresh_from_db()
    return customer


@command
def create_subjects(*, customer_id: str, subjects: Sequence[NewSubject]) -> list[Subject]:
    """Create up to 500 subjects, all or none, each on the default plans for subjects of its kind.

    :raises KeyTaken: if one of the keys is taken or given twice
    """
    with turn(customer_id) as at:
        keys = [each.key for each in subjects if each.key is not None]
        taken = Subject.objects.filter(customer_id=customer_id, key__in=keys)
        clash = taken.values_list("key", flat=True).first() or _repeated(keys)
        if clash:
            raise KeyTaken(f"a subject of this customer has the key {clash} already")
        rows = Subject.objects.bulk_create(
            Subject(customer_id=customer_id, key=each.key, kind=each.kind, created_at=at)
            for each in subjects
        )
        publish(
            [
                Fact(
                    events.SUBJECT_CREATED,
                    at=at,
                    customer_id=customer_id,
                    subject_id=row.id,
                    data={"kind": row.kind, "plans": dict(each.plans)},
                )
                for row, each in zip(rows, subjects, strict=True)
            ]
        )
        return rows


@command
def end_subject(*, subject_id: str) -> Subject:
    """End a subject with all it has: its subscriptions end and it is deprovisioned.

    :raises SubjectNotFound: if there is none
    :raises SubjectEnded: if it has ended before
    """
    found = Subject.objects.filter(pk=subject_id).values_list("customer_id", flat=True).first()
    if found is None:
        raise SubjectNotFound("there is no such subject")
    with turn(found) as at:
        subject = Subject.objects.get(pk=subject_id)
        preconditions.verify(subject)
        if subject.ended_at is not None:
            raise SubjectEnded("this subject has ended already")
        subject.ended_at = at
        subject.save(update_fields=["ended_at"])
        publish([_ended(subject, at)])
        return subject


def _insert(customer: Customer) -> None:
    """Insert first, ask then: of two who want the same key at once, both see that it is free."""
    try:
        with transaction.atomic():
            customer.save(force_insert=True)
    except IntegrityError:
        if customer.key is None or not Customer.objects.filter(key=customer.key).exists():
            raise
        raise KeyTaken(f"a customer has the key {customer.key} already") from None


def _ended(subject: Subject, at: datetime) -> Fact:
    return Fact(events.SUBJECT_ENDED, at=at, customer_id=subject.customer_id, subject_id=subject.id)


def _instant_on(test_clock_id: str | None) -> datetime:
    if test_clock_id is None:
        return clock.whole_second(clock.system_now())
    row = TestClock.objects.select_for_update(no_key=True).filter(pk=test_clock_id).first()
    if row is None:
        raise ClockNotFound("there is no such test clock")
    if row.advancing_to is not None:
        raise ClockAdvancing("the test clock is moving; try again when it is ready")
    return row.frozen_at


def _repeated(keys: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return None
