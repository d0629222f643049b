"""Which problems an operation may answer: those it names, and those that come with its kind."""

from collections import defaultdict

from core.api import etags, idempotency, parameters, parsing
from core.api.describing import Operation, refusals_of
from core.api.mutations import MalformedReason, PreconditionNotSupported
from core.api.permissions import NotAuthenticated
from core.api.problems import ConcurrentWrite, DatabaseUnavailable, NotAcceptable
from core.api.serializers import InvalidInput, UnknownField
from core.api.views import ApiView
from core.errors import DomainError, NotFound, PreconditionFailed
from core.principals import ScopeMissing

Problems = tuple[type[DomainError], ...]

_ANY: Problems = (
    parameters.UnknownParameter,
    parameters.DuplicateParameter,
    parameters.EmptyParameter,
    parameters.MalformedParameter,
    NotAcceptable,
    DatabaseUnavailable,
)
_BODY: Problems = (
    parsing.MalformedJson,
    parsing.TooDeep,
    parsing.DuplicateKey,
    parsing.UnacceptableText,
    parsing.UnacceptableNumber,
    parsing.LengthRequired,
    parsing.BodyTooLarge,
    parsing.UnsupportedMediaType,
    parsing.UnsupportedEncoding,
    InvalidInput,
    UnknownField,
)
_KEY: Problems = (
    idempotency.MalformedIdempotencyKey,
    idempotency.IdempotencyKeyInUse,
    idempotency.IdempotencyKeyReused,
)


def problems_of(
    operation: Operation, *, view: ApiView, method: str, path: str
) -> dict[int, set[type[DomainError]]]:
    """Return every error that the operation may answer, by status."""
    found = (
        *operation.problems,
        *refusals_of(operation),
        *_ANY,
        *_of_caller(view, method),
        *((ScopeMissing,) if operation.expandable else ()),
        *(_BODY if operation.input is not None else ()),
        *((NotFound,) if "{" in path else ()),
        *((ConcurrentWrite, MalformedReason) if operation.takes_reason else ()),
        *_of_parameters(operation),
        *_of_key(operation, method),
        *_of_preconditions(operation),
    )
    by_status: dict[int, set[type[DomainError]]] = defaultdict(set)
    for error in found:
        by_status[error.status].add(error)
    return by_status


def _of_caller(view: ApiView, method: str) -> Problems:
    """An authentication class names what it raises in its attribute ``problems``."""
    if view.public:
        return ()
    authentication = (
        error for each in view.get_authenticators() for error in getattr(each, "problems", ())
    )
    scope: Problems = () if view.scopes.get(method) is None else (ScopeMissing,)
    return (NotAuthenticated, *authentication, *scope)


def _of_parameters(operation: Operation) -> Problems:
    needed = any(each.required for each in operation.parameters)
    return (parameters.MissingParameter,) if needed else ()


def _of_key(operation: Operation, method: str) -> Problems:
    if not operation.takes_reason:
        return ()
    if method != "POST":
        return (idempotency.MalformedIdempotencyKey,)
    if operation.idempotent:
        return _KEY
    return (idempotency.MalformedIdempotencyKey, idempotency.IdempotencyKeyNotAllowed)


def _of_preconditions(operation: Operation) -> Problems:
    if operation.conditional:
        return (etags.MalformedPrecondition,)
    if operation.matchable:
        return (etags.MalformedPrecondition, PreconditionFailed)
    return (PreconditionNotSupported,) if operation.takes_reason else ()
