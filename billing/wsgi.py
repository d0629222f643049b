"""The web application, for any WSGI server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")

_django = get_wsgi_application()
_MALFORMED = b'{"type":"about:blank","title":"Bad Request","status":400,"code":"bad_request"}'


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request; one whose headers Django cannot even read gets a 400 like any bad input.

    Django parses the Content-Type before any middleware runs, and raises where the name of its
    character set is encoded in an unknown one.
    """
    try:
        return _django(environ, start_response)
    except (ValueError, LookupError):
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(_MALFORMED))),
        ]
        start_response("400 Bad Request", headers)
        return [_MALFORMED]
