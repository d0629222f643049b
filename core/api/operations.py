"""What our operations have in common, as decorators: read one, list many, change something.

A view's method stays what is special about it: find, call one service, return the row.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeVar, Unpack, cast

from django.db.models import QuerySet
from rest_framework.response import Response

from core.api import expanding
from core.api import lists as paging
from core.api.describing import Operation, Told, describe, documented, statuses_of
from core.api.etags import etag, not_modified
from core.api.expanding import Expansion
from core.api.mutations import Change, Changed, Mutation, install_answer_parts, with_reason
from core.api.parameters import Parameter
from core.api.serializers import Input, Output, represent
from core.api.views import ApiRequest, ApiView

__all__ = [
    "Change",
    "Changed",
    "Expansion",
    "Parameter",
    "changes",
    "documented",
    "install_answer_parts",
    "lists",
    "reads",
]

Method = TypeVar("Method", bound=Callable[..., Any])
Expandable = Mapping[str, Expansion]

_NOTHING: Expandable = MappingProxyType({})


def reads(
    output: type[Output],
    *,
    parameters: Sequence[Parameter] = (),
    expandable: Expandable = _NOTHING,
    **told: Unpack[Told],
) -> Callable[[Method], Method]:
    """Answer the one object that the method returns, with its ETag; 304 if the caller has it.

    ``expandable`` names the members that ``expand=`` may replace by whole objects; the ETag is that
    of what is sent.
    """
    operation = Operation(
        output=output,
        parameters=(*parameters, *expanding.parameters(output, expandable)),
        expandable=expandable,
        conditional=True,
        **told,
    )

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            wanted = expanding.chosen(request, expandable)
            plain = represent(output, method(view, request, **path), request)
            [found] = expanding.expanded([plain], wanted, request)
            headers = {"ETag": etag(found)}
            if not_modified(request.headers.get("If-None-Match"), headers["ETag"]):
                return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
            return Response(found, headers=headers)

        return describe(cast(Method, run), operation)

    return decorate


def lists(
    output: type[Output],
    *,
    filters: type[paging.Filters] = paging.Filters,
    order: str = "-id",
    expandable: Expandable = _NOTHING,
    **told: Unpack[Told],
) -> Callable[[Method], Method]:
    """Answer one page of the queryset that the method returns, filtered as the query says.

    ``order`` is a column whose values are unique; newest first unless told. ``expandable`` names
    the members that ``expand=`` may replace by whole objects.
    """
    told["problems"] = (paging.MalformedCursor, *told.get("problems", ()))
    operation = Operation(
        shape="page",
        output=output,
        parameters=(*paging.parameters(filters), *expanding.parameters(output, expandable)),
        expandable=expandable,
        **told,
    )

    def decorate(method: Method) -> Method:
        @wraps(method)
        def run(view: ApiView, request: ApiRequest, **path: Any) -> Response:
            wanted = expanding.chosen(request, expandable)
            rows: QuerySet[Any] = method(view, request, **path)
            page = paging.page(
                rows,
                request.parameters,
                filters=filters,
                bound_to=f"{request.path} {request.principal.customer_id or ''}",
                order=order,
            )
            plain = output(page.rows, many=True, context={"request": request}).data
            data = expanding.expanded(list(plain), wanted, request)
            return Response({"data": data, "next_cursor": page.next_cursor})

        return describe(cast(Method, run), operation)

    return decorate


def changes(
    input: type[Input] | None,
    output: type[Output] | None,
    *,
    status: int | Sequence[int] = HTTPStatus.OK,
    parameters: Sequence[Parameter] = (),
    request_example: Any = None,
    personal: tuple[str, ...] = (),
    replay: Callable[[str], Any] | None = None,
    matches: type[Output] | None = None,
    answers_secret: bool = False,
    outcome: type[Output] | None = None,
    publishes: tuple[str, ...] = (),
    **told: Unpack[Told],
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
        shape="change",
        input=with_reason(input),
        output=output,
        outcome=outcome,
        publishes=publishes,
        statuses=statuses_of(status),
        parameters=tuple(parameters),
        request_example=request_example,
        idempotent=not answers_secret,
        matchable=(matches or output) is not None,
        takes_reason=True,
        **told,
    )
    return Mutation(input, operation, matches or output, personal, replay).decorate
