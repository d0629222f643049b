"""Who acts, and why: kept for the length of a request, a task or a command line.

The unit of work writes it into the transaction, the audit triggers read it there, and events carry
it. A write by nobody is refused by the database.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from core.errors import BadRequest

MAX_REASON = 500  # characters


@dataclass(frozen=True, slots=True)
class Acting:
    """``actor`` is ``client:cli_…``, ``staff:<username>``, ``system:<what>``; ids, never names."""

    actor: str
    reason: str = ""
    request_id: str = ""


class NobodyActs(RuntimeError):
    """A write was tried where nobody is known to act: a defect of the calling code."""


_current: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current() -> Acting:
    """Return who acts.

    :raises NobodyActs: outside ``acting_as``
    """
    acting = _current.get()
    if acting is None:
        raise NobodyActs("wrap the call in core.acting.acting_as(…)")
    return acting


@contextmanager
def acting_as(actor: str, *, reason: str = "", request_id: str = "") -> Iterator[None]:
    """Say who acts for as long as the block runs."""
    token = _current.set(Acting(actor, reason, request_id))
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Give the reason for what the block does; the actor stays. An empty reason changes nothing."""
    token = _current.set(replace(current(), reason=reason) if reason else current())
    try:
        yield
    finally:
        _current.reset(token)


class ReasonRequired(BadRequest):
    """This is only done for a stated reason: the field ``reason`` or the header X-Reason."""

    code = "reason_required"


def require_reason() -> None:
    """:raises ReasonRequired: if no reason was given for what is about to be done"""
    if not current().reason:
        raise ReasonRequired("say why: the field reason, or the header X-Reason")
