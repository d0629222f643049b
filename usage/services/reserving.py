"""Reserve units of a metered feature: held until it is known how many of them were used.

A counter knows how much of it is held, so whoever consumes or reserves stays within the bound in
one statement. Whether a reservation has expired is read by the clock; expired ones are taken off
the counter when somebody would be denied because of them.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F, QuerySet

from core import clock
from core.errors import Conflict, NotFound
from core.events import publish
from core.transactions import command
from usage import events, queries
from usage.counting import Kind, ReservationEnd, Tally
from usage.models import Counter, Reservation, UsageEvent
from usage.quantities import EXACT, ZERO
from usage.services import recording
from usage.services.recording import Result, UsageIdReused, Use


class ReservationNotFound(NotFound):
    """This caller has made no such reservation."""

    code = "reservation_not_found"


class ReservationOver(Conflict):
    """The reservation was released, has expired, or was finalized with another quantity."""

    code = "reservation_over"


class MoreThanReserved(Conflict):
    """More was used than was reserved; `allow_more` counts it all the same."""

    code = "more_than_reserved"


@dataclass(frozen=True, slots=True)
class Reserved:
    """``reservation`` is None where it was denied."""

    result: Result
    reservation: Reservation | None


_PLACE = f"""
    WITH known AS (
        SELECT id FROM usage_reservation WHERE source = %(source)s AND source_id = %(source_id)s
    ), counted AS (
        INSERT INTO usage_counter AS c
            ({recording.OWNER_COLUMNS}, meter, window_start, used, held)
        SELECT {recording.OWNER}, %(meter)s, %(window_start)s::timestamptz, 0, %(quantity)s::numeric
        WHERE NOT EXISTS (SELECT FROM known) AND {recording.fits("%(quantity)s::numeric")}
        ON CONFLICT (owner_id, meter, window_start) DO UPDATE SET held = c.held + excluded.held
        WHERE {recording.fits("c.used + c.held + excluded.held")}
        RETURNING held
    ), placed AS (
        INSERT INTO usage_reservation ({recording.OWNER_COLUMNS}, id, feature, meter,
            window_start, quantity, held_at, expires_at, recorded_at, source, source_id, "end")
        SELECT {recording.OWNER}, %(id)s::uuid, %(feature)s, %(meter)s,
            %(window_start)s::timestamptz, %(quantity)s::numeric, %(at)s::timestamptz,
            %(expires_at)s::timestamptz, %(now)s::timestamptz, %(source)s, %(source_id)s, ''
        FROM counted
    )
    SELECT count(*) FROM counted
"""  # noqa: S608 - composed of constants


@command
def reserve(use: Use, *, expires_at: datetime, is_allowed: bool) -> Reserved:
    """Hold units if they fit below the bound, until an instant of the customer's time; or, where
    that is not allowed, only tell of those that are held already.

    :raises UsageIdReused: if the identifier names another reservation
    """
    is_placed = is_allowed and _place(use, expires_at)
    row = _rows(use.source, use.id).first()
    if is_placed or row is None:
        return Reserved(Result.RECORDED if is_placed else Result.DENIED, row)
    said = (row.owner, row.feature, row.quantity, row.expires_at - row.held_at)
    if said != (use.tally.owner.id, use.feature, use.quantity, expires_at - use.at):
        raise UsageIdReused("this identifier was used for another reservation")
    return Reserved(Result.REPEATED, row)


def find(*, source: str, id: str) -> Reservation:
    """Return a caller's own reservation.

    :raises ReservationNotFound: if there is none
    """
    row = _rows(source, id).first()
    if row is None:
        raise ReservationNotFound("there is no such reservation")
    return row


@command
def finalize(
    *,
    source: str,
    id: str,
    quantity: Decimal | None,
    allow_more: bool,
    at: datetime,
    tally: Tally | None,
    value: Decimal | None,
) -> Reserved:
    """Count so many of the held units as used when they were reserved; None: all. The rest is free.

    ``tally`` and ``value`` are what use counts in now, and the allowance, which is worth an event
    when it is reached.

    :raises ReservationNotFound: if there is none
    :raises ReservationOver: if it was released, finalized with another quantity, or has expired
    :raises MoreThanReserved: unless ``allow_more``, which counts the rest whatever the bound is
    """
    row = _locked(source, id)
    used = row.quantity if quantity is None else quantity
    if row.end == ReservationEnd.FINALIZED and row.used == used:
        return Reserved(Result.REPEATED, row)
    if row.is_over(at):
        raise ReservationOver(f"the reservation is {row.state(at)}")
    if used > row.quantity and not allow_more:
        raise MoreThanReserved(f"{row.quantity.normalize(EXACT):f} were reserved")
    if used:
        _record(row, used)
    done = _end(row, ReservationEnd.FINALIZED, at, used)
    if used and tally is not None and tally.window_start == row.window_start:
        now = queries.usage([tally])[0].used or ZERO
        before = EXACT.subtract(now, used)
        publish(
            events.reached(tally.owner, row.feature, before=before, now=now, value=value, at=at)
        )
    return done


@command
def give_back(*, source: str, id: str, at: datetime) -> Reserved:
    """Let go of what is held; of a reservation that has expired or was released, nothing is left.

    :raises ReservationNotFound: if there is none
    :raises ReservationOver: if it was finalized
    """
    row = _locked(source, id)
    if row.end == ReservationEnd.FINALIZED:
        raise ReservationOver(f"the reservation is {row.state(at)}")
    if row.is_over(at):
        return Reserved(Result.REPEATED, row)
    return _end(row, ReservationEnd.RELEASED, at, ZERO)


def _place(use: Use, expires_at: datetime) -> bool:
    otherwise: dict[str, object] = {"expires_at": expires_at}
    if use.tally.kind == Kind.SLIDING:
        before = recording.lock_sliding(use)
        if use.most is not None and EXACT.add(before.taken or ZERO, use.quantity) > use.most:
            return False
        otherwise["most"] = None
    placed = _executed(use, otherwise)
    if not placed and use.tally.kind == Kind.WINDOW and recording.lapse(use):
        placed = _executed(use, otherwise)
    return placed


def _executed(use: Use, otherwise: dict[str, object]) -> bool:
    [placed] = recording.execute(_PLACE, {**recording.parameters_of(use), **otherwise})
    return bool(placed)


def _rows(source: str, id: str) -> QuerySet[Reservation]:
    return Reservation.objects.filter(source=source, source_id=id)


def _locked(source: str, id: str) -> Reservation:
    """Lock the counter first, as whoever consumes does, and the reservation after it."""
    _counter(find(source=source, id=id)).select_for_update(no_key=True).get()
    return _rows(source, id).select_for_update(no_key=True).get()


def _counter(row: Reservation) -> QuerySet[Counter]:
    return Counter.objects.filter(
        owner_id=row.owner_id, meter=row.meter, window_start=row.window_start
    )


def _record(row: Reservation, used: Decimal) -> None:
    UsageEvent.objects.create(
        customer_id=row.customer_id,
        subject_id=row.subject_id,
        owner_id=row.owner_id,
        feature=row.feature,
        meter=row.meter,
        quantity=used,
        window_start=row.window_start,
        occurred_at=row.held_at,
        recorded_at=clock.system_now(),
        source="reservation",
        source_id=row.id,
    )


def _end(row: Reservation, end: ReservationEnd, at: datetime, used: Decimal) -> Reserved:
    _counter(row).update(used=F("used") + used, held=F("held") - row.quantity)
    row.end, row.used, row.ended_at = end, used, at
    row.save(update_fields=["end", "used", "ended_at"])
    return Reserved(Result.RECORDED, row)
