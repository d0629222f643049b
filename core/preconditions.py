"""If-Match, carried from the edge to where the row is loaded under the customer's turn.

Checking at the edge would leave a gap between the check and the lock. A service therefore calls
``verify`` on the row it has just loaded; without a precondition that does nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_verify: ContextVar[Callable[[Any], None] | None] = ContextVar("precondition", default=None)


@contextmanager
def requiring(check: Callable[[Any], None] | None) -> Iterator[None]:
    """Have ``check`` look at the row that the block is about to change."""
    token = _verify.set(check)
    try:
        yield
    finally:
        _verify.reset(token)


def are_required() -> bool:
    """Tell whether there is a precondition to check: a row is only read for it then."""
    return _verify.get() is not None


def verify(row: Any) -> None:
    """Check the caller's precondition against the row, once.

    :raises PreconditionFailed: if the row is not what the caller has seen
    """
    check = _verify.get()
    if check is not None:
        _verify.set(None)
        check(row)
