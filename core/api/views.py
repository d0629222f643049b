"""The base of all our API views: who calls, what may be asked, on whose behalf we then act."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import acting
from core.api.describing import operation_of
from core.api.fields import is_reference
from core.api.parameters import MalformedParameter, read_query
from core.api.parsing import MAX_BYTES, check_headers
from core.api.permissions import HasScope, NotAuthenticated
from core.errors import NotFound
from core.principals import Principal, Scope

ANONYMOUS = "anonymous:public"


class ApiRequest(Request):
    """A request whose query is checked and whose caller is known."""

    parameters: Mapping[str, Any]

    @property
    def principal(self) -> Principal:
        """:raises NotAuthenticated: on a public endpoint, where nobody is known"""
        if not isinstance(self.auth, Principal):
            raise NotAuthenticated("send an access token: Authorization: Bearer …")
        return self.auth

    @property
    def request_id(self) -> str:
        return str(getattr(self._request, "request_id", ""))


class ApiView(APIView):
    """``scopes`` names what each method needs; None: any known caller. ``public``: nobody need be
    known, and no token is looked at."""

    scopes: ClassVar[Mapping[str, Scope | None]] = {}
    public: ClassVar[bool] = False
    max_body_bytes: ClassVar[int] = MAX_BYTES
    permission_classes = (HasScope,)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle the request; act as its caller from when the caller is known."""
        with ExitStack() as self.while_handled:
            return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        return ApiRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [] if self.public else super().get_authenticators()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """:raises DomainError: 400, 401, 403, 404 for what the request's head alone decides"""
        super().initial(request, *args, **kwargs)
        assert isinstance(request, ApiRequest)  # noqa: S101 - initialize_request made it
        for segment in kwargs.values():
            if isinstance(segment, str) and not is_reference(segment):
                raise NotFound("there is no such object")
        check_headers(request.headers)
        operation = operation_of(self, request.method or "")
        if operation is not None:
            query = _utf8(request.META.get("QUERY_STRING", ""))
            request.parameters = read_query(query, operation.parameters)
        actor = request.auth.actor if isinstance(request.auth, Principal) else ANONYMOUS
        self.while_handled.enter_context(acting.acting_as(actor, request_id=request.request_id))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Say which methods there are, in the header Allow that every answer has."""
        return Response(status=204)


def _utf8(query: str) -> str:
    """Undo the WSGI convention that bytes arrive as Latin-1 text.

    :raises MalformedParameter: if they were not UTF-8
    """
    try:
        return query.encode("latin-1").decode("utf-8")
    except UnicodeError:
        raise MalformedParameter("the query must be UTF-8") from None
