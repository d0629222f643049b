"""Every error as problem+json (RFC 9457): a stable code, and never a word about our insides."""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import exceptions as django_errors
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.views import defaults
from rest_framework import exceptions as drf
from rest_framework.response import Response

from core.api.middleware import ADMIN_PATH
from core.api.parsing import BodyTooLarge, MalformedJson, UnsupportedMediaType
from core.api.permissions import NotAuthenticated
from core.api.rendering import dumps
from core.api.serializers import invalid
from core.errors import BadRequest, Conflict, DomainError, Forbidden, NotFound, Unavailable

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PAGE = "/docs/problems"
CHALLENGE = 'Bearer realm="api"'
_TAKEN = frozenset({"23505", "23P01"})  # unique violation, exclusion violation


class MethodNotAllowed(DomainError):
    """The resource has no such method; the header Allow lists those it has."""

    code = "method_not_allowed"
    status = 405


class NotAcceptable(DomainError):
    """The caller does not accept application/json."""

    code = "not_acceptable"
    status = 406


class DatabaseUnavailable(Unavailable):
    """The database cannot be asked at the moment."""

    code = "database_unavailable"


class ConcurrentWrite(Conflict):
    """Another request wrote the same thing at the same moment; read again, then decide."""

    code = "concurrent_write"


class InternalError(DomainError):
    """Something is broken on our side; the request id finds it in our log."""

    code = "internal_error"
    status = 500


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any exception of a view; DRF calls this (``EXCEPTION_HANDLER``)."""
    request = context.get("request")
    error = _as_domain_error(exc)
    if error.status >= 500 or isinstance(error, ConcurrentWrite):
        _log(exc, error)
    return Response(
        problem(error, request_id=_request_id(request)),
        status=error.status,
        headers=_headers(error, request),
        content_type=MEDIA_TYPE,
    )


def problem(error: DomainError, *, request_id: str) -> dict[str, Any]:
    """Return the members of a problem. What the error adds never hides a standard one."""
    members: dict[str, Any] = {
        **error.members,
        "type": f"{settings.BASE_URL}{PAGE}#{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        members["errors"] = [
            {"pointer": each.pointer, "code": each.code, "detail": each.detail}
            for each in error.errors
        ]
    return members


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses (``handler400``)."""
    if request.path.startswith(ADMIN_PATH):
        return defaults.bad_request(request, exception)
    known = _as_domain_error(exception)
    unreadable = BadRequest("the request cannot be read")
    return _plain(request, unreadable if isinstance(known, InternalError) else known)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a refusal outside the API's views (``handler403``)."""
    if request.path.startswith(ADMIN_PATH):
        return defaults.permission_denied(request, exception)
    return _plain(request, Forbidden("you may not do this"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a path that nothing serves (``handler404``)."""
    if request.path.startswith(ADMIN_PATH):
        return defaults.page_not_found(request, exception)
    return _plain(request, NotFound("nothing is served at this path"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a defect outside the API's views (``handler500``); Django logs it."""
    if request.path.startswith(ADMIN_PATH):
        return defaults.server_error(request)
    return _plain(request, InternalError("something is broken on our side"))


def _plain(request: HttpRequest, error: DomainError) -> HttpResponse:
    body = dumps(problem(error, request_id=_request_id(request)))
    return HttpResponse(body, status=error.status, content_type=MEDIA_TYPE)


def _as_domain_error(exc: Exception) -> DomainError:
    if isinstance(exc, DomainError):
        return exc
    if isinstance(exc, drf.ValidationError):
        return invalid(exc.detail)
    if isinstance(exc, OperationalError | InterfaceError):
        return DatabaseUnavailable("the database cannot be asked; try again")
    if getattr(exc.__cause__, "sqlstate", None) in _TAKEN and isinstance(exc, IntegrityError):
        return ConcurrentWrite("another request wrote this at the same moment; read again")
    for kinds, error in _KNOWN:
        if isinstance(exc, kinds):
            return error
    return InternalError("something is broken on our side")


_KNOWN: tuple[tuple[tuple[type[Exception], ...], DomainError], ...] = (
    ((Http404, drf.NotFound), NotFound("there is no such object")),
    (
        (drf.NotAuthenticated, drf.AuthenticationFailed),
        NotAuthenticated("send an access token: Authorization: Bearer …"),
    ),
    (
        (drf.PermissionDenied, django_errors.PermissionDenied),
        Forbidden("you may not do this"),
    ),
    ((drf.MethodNotAllowed,), MethodNotAllowed("this resource has no such method")),
    ((drf.NotAcceptable,), NotAcceptable("answers are application/json")),
    ((drf.UnsupportedMediaType,), UnsupportedMediaType("send application/json")),
    ((drf.ParseError, UnreadablePostError), MalformedJson("the body cannot be read")),
    ((django_errors.RequestDataTooBig,), BodyTooLarge("the body is too large")),
    (
        (django_errors.SuspiciousOperation, django_errors.BadRequest),
        BadRequest("the request cannot be read"),
    ),
)


def _headers(error: DomainError, request: Any) -> dict[str, str]:
    headers = {}
    if error.status == 401:
        sent = request is not None and "Authorization" in request.headers
        headers["WWW-Authenticate"] = CHALLENGE + (', error="invalid_token"' if sent else "")
    if isinstance(error, Unavailable):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return headers


def _log(exc: Exception, error: DomainError) -> None:
    """A defect is an error; what passes by itself is a warning."""
    if isinstance(error, InternalError):
        logger.error("a request failed", exc_info=exc)
    else:
        logger.warning("answered %s", error.code, exc_info=not isinstance(exc, DomainError))


def _request_id(request: Any) -> str:
    return str(getattr(request, "request_id", ""))
