"""The web application, for any WSGI server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING
from uuid import uuid4

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing.settings")

_django = get_wsgi_application()

# Only now, because they read the settings.
from core.api.problems import MEDIA_TYPE, problem  # noqa: E402
from core.api.rendering import dumps  # noqa: E402
from core.errors import BadRequest  # noqa: E402


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request; one whose headers Django cannot even read gets a 400 like any bad input.

    Django parses the Content-Type before any middleware runs, and raises where the name of its
    character set is encoded in an unknown one.
    """
    try:
        return _django(environ, start_response)
    except (ValueError, LookupError):
        name = uuid4().hex
        refused = BadRequest("the headers cannot be read")
        body = dumps(problem(refused, request_id=name))
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", name),
        ]
        start_response("400 Bad Request", headers)
        return [body]
