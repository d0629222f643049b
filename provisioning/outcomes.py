"""What a product service's answer means. Pure.

An answer is untrusted text. Only a 200 that echoes the generation and the hash it was sent means
that the document was applied; everything else means that it was not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_SHOWN = 2000
HIGHEST_GENERATION = 2**52  # far above any honest one; leaves room to go on counting exactly
_LONGEST_SECONDS = 10  # digits of a Retry-After
_RETRIED = frozenset({408, 425, 429})
_LOCKED_OUT = frozenset({401, 403})
_GONE = 410


@dataclass(frozen=True, slots=True)
class Applied:
    """The service holds exactly what it was sent."""


@dataclass(frozen=True, slots=True)
class Stale:
    """The service holds generation ``held``, which is not below the one it was sent."""

    held: int


@dataclass(frozen=True, slots=True)
class Retry:
    """It may work later. ``retry_after`` is what the service asked for."""

    problem: str
    detail: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The service cannot apply this document; trying again soon will hardly help."""

    problem: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class LockedOut:
    """The service does not let us in: that is about all its documents, not about this one."""

    problem: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The service wants nothing any more, ever."""

    problem: str


Outcome = Applied | Stale | Retry | Refused | LockedOut | Gone


def of_answer(
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    generation: int,
    hash: str,
    now: datetime,
) -> Outcome:
    """Classify an answer to a document of the given generation and hash. Header names are lower
    case; ``now`` is for a Retry-After that is a date."""
    if status == 200:
        return _of_ok(_object(body), generation, hash)
    if status == 409:
        return _of_conflict(_object(body), generation)
    outcome = of_status(status, body=body)
    if isinstance(outcome, Retry):
        wait = retry_after(headers.get("retry-after"), now=now)
        return Retry(outcome.problem, outcome.detail, wait)
    return outcome


def of_status(status: int, *, body: bytes = b"") -> Outcome:
    """Classify what the status alone decides. Statuses that nobody has named are no success."""
    problem = f"answer_{status}"
    if status in _LOCKED_OUT:
        return LockedOut(problem)
    if status == _GONE:
        return Gone(problem)
    if 300 <= status < 500 and status not in _RETRIED:
        return Refused(problem, _detail(body))
    return Retry(problem, _detail(body))


def of_failure(*, code: str, detail: str, status: int | None) -> Outcome:
    """Classify a call that brought no whole answer. Where the status came before it went wrong,
    the status counts, unless it needed the body to mean success."""
    if status is not None and status not in (200, 409):
        return of_status(status)
    return Retry(code, detail)


def retry_after(header: str | None, *, now: datetime) -> timedelta | None:
    """Read a Retry-After header: seconds or a date (RFC 9110, section 10.2.3). None: unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return timedelta(seconds=int(text)) if len(text) <= _LONGEST_SECONDS else timedelta.max
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(at - now, timedelta())


def shown(body: bytes) -> str:
    """Return an answer as text that is safe to keep: escaped where it is no printable text, and at
    most 2,000 characters of it."""
    text = body[: LONGEST_SHOWN * 4].decode("utf-8", "backslashreplace")
    printable = "".join(
        letter
        if letter.isprintable() or letter == "\n"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
    return printable if len(printable) <= LONGEST_SHOWN else printable[:LONGEST_SHOWN] + "…"


def _of_ok(answer: Mapping[str, Any], generation: int, hash: str) -> Outcome:
    if _integer(answer.get("generation")) == generation and answer.get("hash") == hash:
        return Applied()
    return Retry("not_echoed", "the answer does not echo the generation and hash that were sent")


def _of_conflict(answer: Mapping[str, Any], generation: int) -> Outcome:
    held = _integer(answer.get("generation"))
    if held is not None and generation <= held <= HIGHEST_GENERATION:
        return Stale(held)
    return Refused("answer_409", "a conflict that names no newer generation")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _integer(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _detail(body: bytes) -> str:
    """Return what problem+json says, for the operator."""
    answer = _object(body)
    texts = [answer.get(name) for name in ("title", "detail")]
    joined = ": ".join(text for text in texts if isinstance(text, str))
    return shown(joined.encode(errors="replace"))
