"""What an operation is, in one value: the view obeys it, and the OpenAPI document shows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any, Protocol, Required, TypedDict, TypeVar, Unpack

from core.api.expanding import Expansion
from core.api.parameters import Parameter
from core.api.serializers import Input, Output
from core.errors import DomainError

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Described(Protocol):
    """A view's method that carries its description."""

    operation: "Operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``shape`` says what surrounds the output: nothing, a page of many, or a change's answer.

    ``publishes`` names the events whose listeners may refuse what it does. ``outcome`` are members
    that a change's answer has beside those that all of them have.
    """

    tag: str
    summary: str
    description: str = ""
    shape: str = "plain"
    input: type[Input] | None = None
    output: type[Output] | None = None
    outcome: type[Output] | None = None
    statuses: tuple[int, ...] = (200,)
    parameters: tuple[Parameter, ...] = ()
    problems: Sequence[type[DomainError]] = ()
    expandable: Mapping[str, Expansion] = field(default_factory=dict)
    publishes: tuple[str, ...] = ()
    request_example: Any = None
    response_example: Any = None
    headers: Mapping[str, str] | None = None
    conditional: bool = False
    idempotent: bool = False
    matchable: bool = False
    takes_reason: bool = False


class Told(TypedDict, total=False):
    """What a view says of every operation, whatever its kind."""

    tag: Required[str]
    summary: Required[str]
    description: str
    problems: Sequence[type[DomainError]]
    response_example: Any


_refusals: Mapping[str, Sequence[type[DomainError]]] = {}


def install_refusals(refusals: Mapping[str, Sequence[type[DomainError]]]) -> None:
    """Say with what the listeners of an event may refuse the operation that publishes it.

    A projection runs in the operation's transaction, so its refusal is the operation's. Called
    once, by ``billing.wiring``.
    """
    global _refusals
    _refusals = refusals


def refusals_of(operation: Operation) -> list[type[DomainError]]:
    """Return the errors that those who listen to an operation's events may raise."""
    return [error for name in operation.publishes for error in _refusals.get(name, ())]


def operation_of(view: Any, method: str) -> Operation | None:
    """Return the description of a view's method; None where it has none. HEAD is GET's."""
    name = "get" if method == "HEAD" else method.lower()
    operation = getattr(getattr(view, name, None), "operation", None)
    return operation if isinstance(operation, Operation) else None


def describe(method: Handler, operation: Operation) -> Handler:
    """Attach a description to a view's method."""
    method.operation = operation  # type: ignore[attr-defined]  # a function takes attributes
    return method


def documented(
    output: type[Output] | None,
    *,
    input: type[Input] | None = None,
    status: int | Sequence[int] = HTTPStatus.OK,
    parameters: Sequence[Parameter] = (),
    request_example: Any = None,
    headers: Mapping[str, str] | None = None,
    **told: Unpack[Told],
) -> Callable[[Handler], Handler]:
    """Describe a special view's method, which checks its body and makes its response itself.

    The declared query parameters are checked before it is called and are in
    ``request.parameters``; ``core.api.serializers.validated`` checks a body.
    """
    operation = Operation(
        input=input,
        output=output,
        statuses=statuses_of(status),
        parameters=tuple(parameters),
        request_example=request_example,
        headers=headers,
        **told,
    )

    def decorate(method: Handler) -> Handler:
        @wraps(method)
        def run(view: Any, request: Any, **path: Any) -> Any:
            return method(view, request, **path)

        return describe(run, operation)  # type: ignore[return-value]  # wraps keeps the signature

    return decorate


def statuses_of(status: int | Sequence[int]) -> tuple[int, ...]:
    """Return the statuses of success as numbers, the usual one first."""
    return (int(status),) if isinstance(status, int) else tuple(int(each) for each in status)
