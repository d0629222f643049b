"""What a mutation is: what it answers, and the steps from a request to that answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

from rest_framework.response import Response
from rest_framework.serializers import ValidationError

from core import acting, preconditions
from core.api.describing import Operation, describe
from core.api.etags import Precondition
from core.api.fields import Text
from core.api.idempotency import (
    Answer,
    Attempt,
    IdempotencyKeyNotAllowed,
    checked_key,
    once,
)
from core.api.serializers import Input, Output, represent, validated
from core.api.views import ApiRequest, ApiView
from core.errors import BadRequest
from core.transactions import unit_of_work

Method = TypeVar("Method", bound=Callable[..., Any])


class PreconditionNotSupported(BadRequest):
    """If-Match was sent to an operation that changes nothing with an ETag."""

    code = "precondition_not_supported"


class MalformedReason(BadRequest):
    """The header X-Reason does not have 1 to 500 printable ASCII characters."""

    code = "malformed_reason"


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
        max_length=acting.MAX_REASON,
        required=False,
        allow_blank=True,
        help_text="Why; kept with the change. The header X-Reason does the same.",
    )


Revision = Callable[[Sequence[str]], str | None]
Provisioning = Callable[[Sequence[str]], Mapping[str, Any] | None]


def _not_installed(_customer_ids: Sequence[str]) -> Any:
    """Answering without these parts would look as if nothing had changed for the customer."""
    raise RuntimeError("the parts of answers are missing: install_answer_parts was not called")


_revision: Revision = _not_installed
_provisioning: Provisioning = _not_installed


def install_answer_parts(*, revision: Revision, provisioning: Provisioning) -> None:
    """Say where the answers of mutations get their revision token and their provisioning status.

    Called once, by ``billing.wiring``; both are called in the transaction of the change.
    """
    global _revision, _provisioning
    _revision, _provisioning = revision, provisioning


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
class Mutation:
    """What ``changes`` was told, and the steps it takes for one request."""

    input: type[Input] | None
    operation: Operation
    matches: type[Output] | None
    personal: tuple[str, ...]
    replay: Callable[[str], Any] | None

    def decorate(self, method: Method) -> Method:
        """Make a view's method answer as the mutation does.

        :raises ValueError: if a POST has ``personal`` members without ``replay``
        """
        if self.personal and self.replay is None and method.__name__ == "post":
            raise ValueError("personal members are not kept: give replay=, which reads the row")

        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            return self.run(request, path, lambda data: method(view, request, data, **path))

        return describe(cast(Method, run), self.operation)

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
    """Read X-Reason. ASCII only: a web server may hand over anything else as an empty text, and a
    reason must not be lost silently.

    :raises MalformedReason: 400
    """
    if header is None:
        return ""
    try:
        if not header or not header.isascii():
            raise ValidationError("not ASCII")
        reason: str = ReasonIn().fields["reason"].run_validation(header)
    except ValidationError:
        raise MalformedReason(
            f"X-Reason has 1 to {acting.MAX_REASON} printable ASCII characters; the field reason "
            "of the body takes all others"
        ) from None
    return reason
