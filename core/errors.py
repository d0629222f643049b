"""What can go wrong in ways a caller can do something about.

A rule raises one of these where it is broken; the edge turns it into problem+json (RFC 9457). The
``code`` is a promise to callers and never changes; the detail is for people and may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing that is wrong with one place of the input; ``pointer`` is a JSON pointer."""

    pointer: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal with a stable code. ``members`` are shown beside code and detail."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, detail: str, *, errors: Sequence[FieldProblem] = (), **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.members = members


def describe(error: Exception) -> str:
    """Return an error in a form that a text column takes, whatever its message holds."""
    text = f"{type(error).__name__}: {error}"[:2000].replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode(errors="replace").decode()


class BadRequest(DomainError):
    """Wrong in itself: nothing in the database could make it right."""

    code = "bad_request"
    status = 400


class Unauthorized(DomainError):
    """No caller is known."""

    code = "unauthorized"
    status = 401


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


class NotFound(DomainError):
    """There is no such object, or it is another tenant's: the two look the same."""

    code = "not_found"
    status = 404


class Conflict(DomainError):
    """Well formed, but the object is in the wrong state for it."""

    code = "conflict"
    status = 409


class PreconditionFailed(DomainError):
    """The object is no longer what the caller has seen."""

    code = "precondition_failed"
    status = 412


class Unprocessable(DomainError):
    """Well formed, but it breaks a rule that needs the state of things."""

    code = "unprocessable"
    status = 422


class Unavailable(DomainError):
    """Cannot be done right now; the same request may succeed later."""

    code = "unavailable"
    status = 503

    def __init__(self, detail: str, *, retry_after_seconds: int = 1, **members: Any) -> None:
        super().__init__(detail, **members)
        self.retry_after_seconds = retry_after_seconds
