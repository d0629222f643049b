"""Which sum of use is meant, and by what an event is known again. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from core import ids
from usage.quantities import EXACT, ZERO, to_text

# From where use counts that never starts over. No instant of ours is earlier.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who used it: the subject or, without one, the customer."""

    customer_id: str
    subject_id: str | None

    @property
    def id(self) -> str:
        return self.subject_id or self.customer_id

    @property
    def uuid(self) -> UUID:
        return ids.decode(self.id, prefix="sbj" if self.subject_id else "cus")


class Kind(StrEnum):
    """``level``: how many there are now. ``window``: what was used since it began. ``sliding``:
    what was used after an instant that moves on with time."""

    LEVEL = "level"
    WINDOW = "window"
    SLIDING = "sliding"


@dataclass(frozen=True, slots=True)
class Tally:
    """One sum of an owner's use, at an instant. ``name`` is the meter's key or, of a level, the
    feature's."""

    owner: Owner
    kind: Kind
    name: str
    at: datetime
    since: datetime = BEGINNING

    @property
    def window_start(self) -> datetime:
        """The window of the counter; what slides is counted in one that never starts over."""
        return self.since if self.kind == Kind.WINDOW else BEGINNING


@dataclass(frozen=True, slots=True)
class Usage:
    """What a tally comes to: what was used, None where nobody has told, and what is reserved."""

    used: Decimal | None
    held: Decimal = ZERO

    @property
    def taken(self) -> Decimal | None:
        """What cannot be had any more."""
        return None if self.used is None else EXACT.add(self.used, self.held)


NOT_KNOWN = Usage(None)


class ReservationEnd(StrEnum):
    """How a reservation ended: its units were counted, given back, or nobody came in time."""

    FINALIZED = "finalized"
    RELEASED = "released"
    EXPIRED = "expired"


RESERVATION_STATES = ("held", *ReservationEnd)


def key_of(source: str, source_id: str) -> UUID:
    """Return the 16 bytes by which an event is known: who reported it, and by which identifier."""
    return _hash([source, source_id])


def fingerprint(owner: Owner, feature: str, quantity: Decimal) -> UUID:
    """Return 16 bytes of what an event says, to tell a repetition from another one."""
    return _hash([owner.id, feature, to_text(quantity)])


def _hash(parts: Sequence[str]) -> UUID:
    return UUID(bytes=sha256("\x00".join(parts).encode()).digest()[:16])
