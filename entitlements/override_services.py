"""Give owners more, or less, than what is sold gives them: the only code that writes overrides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q

from core import acting, clock, preconditions
from core import events as bus
from core.errors import Conflict, NotFound, Unprocessable
from core.events import EventType
from core.models import Event
from core.money import Money
from core.transactions import command
from customers import events as owners
from customers.turns import turn
from entitlements import events, models, overrides, rows, worth
from entitlements.models import Override
from entitlements.overrides import Mode, State
from entitlements.queries.checks import check_owner
from entitlements.resolution import outcome
from plans import queries as catalog
from plans import values
from plans.models import Feature
from plans.terms import FeatureTerms
from plans.values import Value
from subscriptions.services.results import Owner, owner_of


class OverrideExists(Conflict):
    """The owner has another override of the feature at that time: `override` names it. With
    `supersede: true` it ends where the new one begins."""

    code = "override_exists"


class OverrideNotFound(NotFound):
    """There is no such override."""

    code = "override_not_found"


class OverrideDatesNotAllowed(Unprocessable):
    """An override begins now or later, and expires after it begins."""

    code = "override_dates_not_allowed"


class OverrideNotWaiting(Conflict):
    """Only an override that waits for approval is approved or rejected."""

    code = "override_not_waiting"


class OwnOverride(Conflict):
    """Whoever made an override is not the one to approve it."""

    code = "own_override"


@dataclass(frozen=True, slots=True)
class NewOverride:
    """An override to be made. It begins now and never expires, unless told.

    ``value`` is of the feature's type. ``supersede``: one that is in the way ends where it begins.
    """

    feature: FeatureTerms
    mode: Mode
    value: Value
    subject_id: str | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    supersede: bool = False


@command
def grant(*, customer_id: str, new: NewOverride) -> Override:
    """Make an override, for the stated reason. It counts from its start on, unless what it gives
    away is so much that somebody else has to approve it first.

    :raises ReasonRequired: without a reason
    :raises SubjectNotFound, SubjectEnded: for what is not the customer's
    :raises SubjectRequired, FeatureOfCustomer: if the feature belongs to the other kind of owner
    :raises ModeNotAllowed, WindowRequired, OverrideDatesNotAllowed: as named
    :raises OverrideExists: naming the override that is in the way
    :raises AmountOutOfRange: if it gives away more than an amount can be
    """
    acting.require_reason()
    overrides.check_mode(new.feature, new.mode)
    with turn(customer_id) as at:
        owner = owner_of(customer_id=customer_id, subject_id=new.subject_id)
        check_owner(new.feature, new.subject_id)
        row = Override(
            customer_id=customer_id,
            subject_id=new.subject_id,
            feature=Feature.objects.get(pk=new.feature.id),
            mode=new.mode,
            value=values.to_json(new.value),
            starts_at=new.starts_at or at,
            expires_at=new.expires_at,
            supersede=new.supersede,
            reason=acting.current().reason,
            created_at=at,
            created_by=acting.current().actor,
            recorded_at=clock.system_now(),
        )
        _check_dates(row, at)
        in_the_way = _in_the_way(row)
        row.needs_approval = _appraise(row, new.feature, owner)
        if row.needs_approval:
            row.save(force_insert=True)
            bus.publish([_fact(events.OVERRIDE_REQUESTED, row, at)])
        else:
            _begin(row, in_the_way, at)
        return _read(row.id, at)


@command
def approve(*, override_id: str) -> Override:
    """Let an override count that waits: from its start or, if that has passed, from now on.

    :raises OverrideNotFound, OverrideNotWaiting: as named
    :raises OwnOverride: for whoever made it
    :raises OverrideExists: if meanwhile another one is in the way
    :raises WindowRequired, AmountOutOfRange: if what there is without it has changed so
    """
    with turn(_customer_of(override_id)) as at:
        row = _waiting(override_id, at)
        if row.created_by == acting.current().actor:
            raise OwnOverride("somebody else must approve this override")
        is_late = row.starts_at < at
        row.starts_at = max(row.starts_at, at)
        in_the_way = _in_the_way(row)
        if is_late:
            whose = owner_of(customer_id=row.customer_id, subject_id=row.subject_id)
            _appraise(row, catalog.features()[row.feature.key], whose)
        row.approved_at, row.approved_by = at, acting.current().actor
        _begin(row, in_the_way, at)
        return _read(row.id, at)


@command
def reject(*, override_id: str) -> Override:
    """Refuse an override that waits, for good.

    :raises OverrideNotFound, OverrideNotWaiting: as named
    """
    with turn(_customer_of(override_id)) as at:
        row = _waiting(override_id, at)
        row.rejected_at, row.rejected_by = at, acting.current().actor
        row.save(update_fields=["rejected_at", "rejected_by"])
        bus.publish([_fact(events.OVERRIDE_REJECTED, row, at)])
        return _read(row.id, at)


@command
def revoke(*, override_id: str) -> Override:
    """End an override now; one that has not begun never counts. What is over stays as it is.

    :raises OverrideNotFound: if there is none
    """
    with turn(_customer_of(override_id)) as at:
        row = _read(override_id, at)
        preconditions.verify(row)
        if row.state not in (State.WAITING, State.SCHEDULED, State.ACTIVE):
            return row
        row.revoked_at, row.revoked_by = at, acting.current().actor
        row.save(update_fields=["revoked_at", "revoked_by"])
        bus.publish([_fact(events.OVERRIDE_REVOKED, row, at)])
        return _read(row.id, at)


def end_with_owners(happened: Sequence[Event]) -> None:
    """Projection: what customers and subjects were given ends with them, or never begins.

    The owners' end says so: no event of its own is published.
    """
    closed: dict[str, datetime] = {}
    ended: dict[str, datetime] = {}
    for each in happened:
        if each.type == owners.CUSTOMER_CLOSED.name and each.customer_id is not None:
            closed[each.customer_id] = each.occurred_at
        if each.type == owners.SUBJECT_ENDED.name and each.subject_id is not None:
            ended[each.subject_id] = each.occurred_at
    if not closed and not ended:
        return
    whose = Q(customer_id__in=closed) | Q(subject_id__in=ended)
    found = list(Override.objects.not_over().filter(whose))
    for row in found:
        row.revoked_at = ended.get(row.subject_id or "") or closed[row.customer_id]
        row.revoked_by = acting.current().actor
    if found:
        Override.objects.bulk_update(found, ["revoked_at", "revoked_by"])


def approval_above() -> dict[str, Money]:
    """Return by currency above which value given away somebody else has to approve."""
    given: dict[str, str] = settings.OVERRIDE_APPROVAL_ABOVE
    return {currency: Money.from_major(text, currency) for currency, text in given.items()}


def _check_dates(row: Override, at: datetime) -> None:
    if row.starts_at < at:
        raise OverrideDatesNotAllowed("an override begins now or later")
    if row.expires_at is not None and row.expires_at <= row.starts_at:
        raise OverrideDatesNotAllowed("an override expires after it begins")


def _in_the_way(row: Override) -> list[Override]:
    """Return the overrides that the new one takes the place of.

    :raises OverrideExists: naming the first of them, unless it supersedes
    """
    same = Override.objects.overlapping(row.starts_at, row.expires_at).filter(
        customer_id=row.customer_id, subject_id=row.subject_id, feature_id=row.feature_id
    )
    found = list(same.select_related("feature").order_by("starts_at"))
    if found and not row.supersede:
        raise OverrideExists("there is an override at that time", override=found[0].id)
    return found


def _appraise(row: Override, feature: FeatureTerms, owner: Owner) -> bool:
    """Note what an override gives away; return whether somebody else has to approve it."""
    known = models.Fact.objects.known().filter(
        customer_id=row.customer_id, subject_id=row.subject_id, feature=feature.key
    )
    facts = [rows.fact_of(each, {feature.key: feature}) for each in known]
    zone, currency = owner.customer.zone, owner.customer.currency
    others = worth.without_overrides(facts, row.starts_at)
    own = overrides.fact_of(rows.given_of(row), zone=zone)
    before, after = outcome(feature, others), outcome(feature, [*others, own])
    overrides.check_window(Mode(row.mode), own.value, before.value)
    price = row.feature.list_prices.get(currency)
    list_price = None if price is None else Decimal(price)
    given = worth.given(
        before.value,
        after.value,
        list_price=list_price,
        months=worth.months(row.starts_at, row.expires_at, zone=zone),
        currency=currency,
    )
    row.value_given, row.currency = (given.amount, currency) if given else (None, "")
    return worth.needs_approval(
        before.value,
        after.value,
        worth=given,
        list_price=list_price,
        above=approval_above(),
        currency=currency,
    )


def _begin(row: Override, in_the_way: Collection[Override], at: datetime) -> None:
    """Let an override count, and those in its way no longer than until it begins."""
    for other in in_the_way:
        other.superseded_at, other.superseded_by_id = row.starts_at, row.id
        other.save(update_fields=["superseded_at", "superseded_by"])
    row.save()  # after them: the database lets no two count at one time
    ended = [
        _fact(
            events.OVERRIDE_SUPERSEDED,
            each,
            at,
            superseded_by=row.id,
            superseded_at=row.starts_at,
        )
        for each in in_the_way
    ]
    bus.publish([*ended, _fact(events.OVERRIDE_GRANTED, row, at)])


def _customer_of(override_id: str) -> str:
    row = Override.objects.filter(pk=override_id).only("customer_id").first()
    if row is None:
        raise OverrideNotFound("there is no such override")
    return row.customer_id


def _read(override_id: str, at: datetime) -> Override:
    rows_then = Override.objects.as_of(at).select_related("feature", "subject")
    return rows_then.get(pk=override_id)


def _waiting(override_id: str, at: datetime) -> Override:
    row = _read(override_id, at)
    preconditions.verify(row)
    if row.state != State.WAITING:
        raise OverrideNotWaiting(f"the override is {row.state}", state=row.state)
    return row


def _fact(type: EventType, row: Override, at: datetime, **more: Any) -> bus.Fact:
    return bus.Fact(
        type,
        at=at,
        customer_id=row.customer_id,
        subject_id=row.subject_id,
        data={
            "override": row.id,
            "feature": row.feature.key,
            "mode": str(row.mode),
            "value": row.value,
            "from": row.starts_at,
            "until": row.expires_at,
            **more,
        },
    )
