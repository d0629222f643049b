"""What our operations have in common, as decorators: read one, list many, change something.

A view's method stays what is special about it: find, call one service, return the row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from django.db.models import QuerySet
from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from core import acting, preconditions
from core.api import lists as paging
from core.api.describing import Operation, describe, documented, statuses_of
from core.api.etags import Precondition, etag, not_modified
from core.api.fields import Text
from core.api.idempotency import (
    Answer,
    Attempt,
    IdempotencyKeyNotAllowed,
    checked_key,
    once,
)
from core.api.parameters import Parameter
from core.api.serializers import Input, Output, invalid, validated
from core.api.views import ApiRequest, ApiView
from core.errors import BadRequest, DomainError
from core.transactions import unit_of_work

__all__ = [
    "Change",
    "Changed",
    "Parameter",
    "changes",
    "documented",
    "install_answer_parts",
    "lists",
    "reads",
]

MAX_REASON = 500

Method = TypeVar("Method", bound=Callable[..., Any])
Problems = Sequence[type[DomainError]]


class PreconditionNotSupported(BadRequest):
    """If-Match was sent to an operation that changes nothing with an ETag."""

    code = "precondition_not_supported"


@dataclass(frozen=True, slots=True)
class Change:
    """One field of the resource as it was and as it is; values that JSON has, or Money."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Changed:
    """What a mutation did: the resource as it is now, whose it is, and what changed in it.

    ``status`` is needed where an operation has several, such as 201 and 200; ``outcome`` where it
    declares one.
    """

    resource: Any
    customers: Sequence[str] = ()
    changes: Sequence[Change] = ()
    status: int | None = None
    outcome: Any = None


class ReasonIn(Input):
    """The body of an operation that needs nothing."""

    reason = Text(
        max_length=MAX_REASON,
        required=False,
        allow_blank=True,
        help_text="Why; kept with the change. The header X-Reason does the same.",
    )


Revision = Callable[[Sequence[str]], str | None]
Provisioning = Callable[[Sequence[str]], Mapping[str, Any] | None]

_revision: Revision = lambda customer_ids: None  # noqa: E731
_provisioning: Provisioning = lambda customer_ids: None  # noqa: E731


def install_answer_parts(*, revision: Revision, provisioning: Provisioning) -> None:
    """Say where the answers of mutations get their revision token and their provisioning status.

    Called once, by ``billing.wiring``; both are called in the transaction of the change.
    """
    global _revision, _provisioning
    _revision, _provisioning = revision, provisioning


def reads(
    output: type[Output],
    *,
    tag: str,
    summary: str,
    description: str = "",
    parameters: Sequence[Parameter] = (),
    problems: Problems = (),
    response_example: Any = None,
) -> Callable[[Method], Method]:
    """Answer the one object that the method returns, with its ETag; 304 if the caller has it."""
    operation = Operation(
        tag=tag,
        summary=summary,
        description=description,
        output=output,
        parameters=tuple(parameters),
        problems=tuple(problems),
        response_example=response_example,
        conditional=True,
    )

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            found = represent(output, method(view, request, **path), request)
            headers = {"ETag": etag(found)}
            if not_modified(request.headers.get("If-None-Match"), headers["ETag"]):
                return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
            return Response(found, headers=headers)

        return describe(cast(Method, run), operation)

    return decorate


def lists(
    output: type[Output],
    *,
    tag: str,
    summary: str,
    description: str = "",
    filters: type[paging.Filters] = paging.Filters,
    order: str = "-id",
    problems: Problems = (),
    response_example: Any = None,
) -> Callable[[Method], Method]:
    """Answer one page of the queryset that the method returns, filtered as the query says.

    ``order`` is a column whose values are unique; newest first unless told.
    """
    operation = Operation(
        tag=tag,
        summary=summary,
        description=description,
        shape="page",
        output=output,
        parameters=paging.parameters(filters),
        problems=(paging.MalformedCursor, *problems),
        response_example=response_example,
    )

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            rows: QuerySet[Any] = method(view, request, **path)
            page = paging.page(
                rows,
                request.parameters,
                filters=filters,
                bound_to=f"{request.path} {request.principal.customer_id or ''}",
                order=order,
            )
            data = output(page.rows, many=True, context={"request": request}).data
            return Response({"data": data, "next_cursor": page.next_cursor})

        return describe(cast(Method, run), operation)

    return decorate


def changes(
    input: type[Input] | None,
    output: type[Output] | None,
    *,
    tag: str,
    summary: str,
    description: str = "",
    status: int | Sequence[int] = HTTPStatus.OK,
    parameters: Sequence[Parameter] = (),
    problems: Problems = (),
    request_example: Any = None,
    response_example: Any = None,
    personal: tuple[str, ...] = (),
    replay: Callable[[str], Any] | None = None,
    matches: type[Output] | None = None,
    answers_secret: bool = False,
    outcome: type[Output] | None = None,
    publishes: tuple[str, ...] = (),
) -> Callable[[Method], Method]:
    """Run the method as one unit of work and answer what it changed.

    The method is called with ``(request, data, **path)``, where ``data`` is empty without
    ``input``, and returns ``Changed``. Idempotency-Key holds for POST. ``personal`` members of the
    resource are not kept for a replay, but read anew by ``replay(resource id)``. If-Match is
    compared with the row that a service verifies, as ``matches`` represents it (default:
    ``output``). The answer of an operation that ``answers_secret`` is never kept.

    :raises ValueError: if a POST has ``personal`` members without ``replay``
    """
    operation = Operation(
        tag=tag,
        summary=summary,
        description=description,
        shape="change",
        input=with_reason(input),
        output=output,
        outcome=outcome,
        publishes=publishes,
        statuses=statuses_of(status),
        parameters=tuple(parameters),
        problems=tuple(problems),
        request_example=request_example,
        response_example=response_example,
        idempotent=not answers_secret,
        matchable=(matches or output) is not None,
        takes_reason=True,
    )
    spec = _Mutation(input, operation, matches or output, personal, replay)

    def decorate(method: Method) -> Method:
        if personal and replay is None and method.__name__ == "post":
            raise ValueError("personal members are not kept: give replay=, which reads the row")

        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            return spec.run(request, path, lambda data: method(view, request, data, **path))

        return describe(cast(Method, run), operation)

    return decorate


def represent(output: type[Output], row: Any, request: Any) -> Any:
    """Return what an answer says of a row, as plain values."""
    return output(row, context={"request": request}).data


@cache
def with_reason(shape: type[Input] | None) -> type[Input]:
    """Return the shape with an optional ``reason``; one that declares its own stays as it is.

    It has a name of its own, because the same shape may be part of another one, without a reason.
    """
    if shape is None:
        return ReasonIn
    if "reason" in shape().fields:
        return shape
    members = {
        "reason": ReasonIn().fields["reason"],
        "__doc__": shape.__doc__,
        "__module__": shape.__module__,
    }
    return type(f"{shape.__name__.removesuffix('In')}Request", (shape,), members)


@dataclass(frozen=True, slots=True)
class _Mutation:
    """What ``changes`` was told, and the steps it takes for one request."""

    input: type[Input] | None
    operation: Operation
    matches: type[Output] | None
    personal: tuple[str, ...]
    replay: Callable[[str], Any] | None

    def run(
        self,
        request: ApiRequest,
        path: Mapping[str, Any],
        method: Callable[[dict[str, Any]], Changed],
    ) -> Response:
        """Check what came, do it once, answer."""
        raw = _body(request)
        data, reason = self._checked(request, raw)
        attempt = self._attempt(request, {"path": path, "query": request.parameters, "body": raw})

        def work() -> Answer:
            precondition = self._precondition(request)
            check = None if precondition is None else precondition.check
            with preconditions.requiring(check):
                changed = method(data)
            if precondition is not None:
                precondition.require_met()
            return self._answer(request, changed)

        def whole() -> tuple[Answer, bool]:
            if attempt is None:
                return work(), False
            answer, replayed = once(attempt, work, personal=self.personal)
            return (self._restored(request, answer) if replayed else answer), replayed

        with acting.because(reason):
            answer, replayed = unit_of_work(whole)
        headers = {**answer.headers, **({"Idempotent-Replayed": "true"} if replayed else {})}
        return Response(answer.body, status=answer.status, headers=headers)

    def _checked(self, request: ApiRequest, raw: Any) -> tuple[dict[str, Any], str]:
        """Return the checked body and the reason. The body's reason goes before the header's."""
        assert self.operation.input is not None  # noqa: S101 - changes always sets it
        data = validated(self.operation.input, raw, context={"request": request})
        header = _header_reason(request.headers.get("X-Reason"))
        reason = data.get("reason", "") or header
        if self.operation.input is not self.input:
            data.pop("reason", None)
        return data, reason

    def _attempt(self, request: ApiRequest, sent: Any) -> Attempt | None:
        key = checked_key(request.headers.get("Idempotency-Key"))
        if key is None or request.method != "POST":
            return None
        if not self.operation.idempotent:
            raise IdempotencyKeyNotAllowed("this answers a secret; send no Idempotency-Key")
        match = request.resolver_match
        route = f"POST {match.route if match else request.path}"
        return Attempt(request.principal.actor, route[:200], key, sent)

    def _precondition(self, request: ApiRequest) -> Precondition | None:
        header = request.headers.get("If-Match")
        if header is None:
            return None
        shape = self.matches
        if shape is None:
            raise PreconditionNotSupported("nothing here has an ETag; send no If-Match")
        return Precondition(header, lambda row: represent(shape, row, request))

    def _answer(self, request: ApiRequest, changed: Changed) -> Answer:
        status = changed.status or self.operation.statuses[0]
        customers = list(dict.fromkeys(changed.customers))
        customer_id = customers[0] if len(customers) == 1 else None
        revision = _revision(customers) if customers else None
        headers = {"Entitlement-Revision": revision} if revision else {}
        if status == HTTPStatus.NO_CONTENT:
            return Answer(status, None, headers, customer_id)
        output, row = self.operation.output, changed.resource
        body = {
            "resource": represent(output, row, request) if output and row is not None else None,
            "changes": [
                {"field": each.field, "before": each.before, "after": each.after}
                for each in changed.changes
            ],
            "revision": revision,
            "provisioning": _provisioning(customers) if customers else None,
        }
        if self.operation.outcome is not None:
            body |= represent(self.operation.outcome, changed.outcome, request)
        return Answer(status, body, headers, customer_id)

    def _restored(self, request: ApiRequest, answer: Answer) -> Answer:
        """Read the personal members of a kept answer anew."""
        resource = (answer.body or {}).get("resource")
        if not self.personal or resource is None or self.replay is None:
            return answer
        output = self.operation.output
        assert output is not None  # noqa: S101 - there is a resource
        assert answer.body is not None  # noqa: S101
        now = represent(output, self.replay(resource["id"]), request)
        whole = {**resource, **{member: now[member] for member in self.personal}}
        return replace(answer, body={**answer.body, "resource": whole})


def _body(request: ApiRequest) -> Any:
    """Return the body; none at all says as much as an empty object."""
    return request.data or {}


def _header_reason(header: str | None) -> str:
    """Read X-Reason, which is UTF-8 although headers come as Latin-1.

    :raises InvalidInput: 400
    """
    if header is None:
        return ""
    try:
        text = header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        text = header
    try:
        reason: str = ReasonIn().fields["reason"].run_validation(text)
    except ValidationError as error:
        raise invalid(error.detail, pointer="/reason") from None
    return reason
