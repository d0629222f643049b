"""What every request gets, whatever answers it: an id, and in the admin somebody who acts."""

import re
from collections.abc import Callable
from uuid import uuid4

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from core import acting

GetResponse = Callable[[HttpRequest], HttpResponseBase]

ADMIN_PATH = "/admin/"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
# W3C Trace Context: version 00 and later ones that begin like it; an id of zeros is no id.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?",
    re.ASCII,
)


def request_id(get_response: GetResponse) -> GetResponse:
    """Take the caller's X-Request-Id if it is sane, else make one; answer it and log with it.

    A W3C ``traceparent`` is logged too, so that our lines are found from the caller's trace.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-Id", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        request.request_id = name  # type: ignore[attr-defined]  # read by core.api.problems
        context = {"request_id": name}
        trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
        if trace is not None:
            context |= {"trace_id": trace[1], "parent_span_id": trace[2]}
        with structlog.contextvars.bound_contextvars(**context):
            response = get_response(request)
        response["X-Request-Id"] = name
        return response

    return middleware


def staff_acts(get_response: GetResponse) -> GetResponse:
    """In the admin, act as the member of staff who is logged in, for the reason the form gives."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(ADMIN_PATH):
            return get_response(request)
        user = request.user
        if not (user.is_authenticated and user.is_staff):
            return get_response(request)
        reason = request.POST.get("reason", "")[: acting.MAX_REASON].replace("\x00", "")
        name = str(getattr(request, "request_id", ""))
        with acting.acting_as(f"staff:{user.pk}", reason=reason, request_id=name):
            return get_response(request)

    return middleware
