"""The parts of the OpenAPI document that operations share."""

from collections import defaultdict
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from core import acting
from core.api.field_patterns import SHARED_SCHEMAS, ref
from core.api.idempotency import KEY_PATTERN as IDEMPOTENCY_KEY_PATTERN
from core.api.problems import MEDIA_TYPE
from core.errors import DomainError
from core.principals import Scope

SECURITY = "oauth2"
_TEXT = {"type": "string"}
_TAG = r'(?:W/)?"[!#-~]*"'

_TITLES = {
    400: "The request itself is wrong.",
    401: "No caller is known.",
    403: "The caller may not do this.",
    404: "There is no such object, or it is not the caller's.",
    405: "The resource has no such method.",
    406: "Answers are application/json.",
    409: "The object is in the wrong state for this.",
    410: "What was asked for is no longer kept.",
    412: "The object is not what the caller has seen.",
    413: "The body is too large.",
    415: "The body is not UTF-8 JSON.",
    422: "The request breaks a rule that depends on the state of things.",
    429: "Too many requests.",
    503: "Not possible at the moment; try again.",
}


def component(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a shared part."""
    return {"$ref": f"#/components/{kind}/{name}"}


def meaning(error: type[DomainError]) -> str:
    """Return the first paragraph of what an error's docstring says, as Markdown."""
    first = (error.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(first.split()).replace("``", "`")


def problem_response(status: int, errors: Iterable[type[DomainError]]) -> dict[str, Any]:
    """Return the response for a status, with the codes it may carry and what they mean."""
    by_code = {error.code: meaning(error) for error in errors}
    lines = [f"- `{code}`: {by_code[code]}" for code in sorted(by_code)]
    headers = {"X-Request-Id": component("headers", "RequestId")}
    if status == 401:
        headers["WWW-Authenticate"] = component("headers", "Challenge")
    if status in (429, 503):
        headers["Retry-After"] = component("headers", "RetryAfter")
    return {
        "description": "\n".join([_TITLES.get(status, "A problem."), "", *lines]),
        "headers": headers,
        "content": {MEDIA_TYPE: {"schema": ref("Problem")}},
        "x-problem-codes": sorted(by_code),
    }


def share_responses(paths: dict[str, Any]) -> dict[str, Any]:
    """Move each problem response that several operations have into one place; return those.

    The name is made from the codes, so that it only changes with them.
    """
    uses: dict[str, list[tuple[dict[str, Any], str]]] = defaultdict(list)
    for path in paths.values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                codes = ",".join(response.get("x-problem-codes", ()))
                if codes:
                    name = f"Problem{status}_{sha256(codes.encode()).hexdigest()[:8]}"
                    uses[name].append((operation["responses"], status))
    shared = {}
    for name, places in sorted(uses.items()):
        if len(places) > 1:
            shared[name] = places[0][0][places[0][1]]
            for responses, status in places:
                responses[status] = component("responses", name)
    return shared


def shared_components() -> dict[str, dict[str, Any]]:
    """Return everything that operations refer to by name."""
    return {
        "schemas": {**SHARED_SCHEMAS, **_SCHEMAS},
        "parameters": _PARAMETERS,
        "headers": _HEADERS,
        "securitySchemes": {SECURITY: _SECURITY_SCHEME},
    }


_SECURITY_SCHEME: dict[str, Any] = {
    "type": "oauth2",
    "description": "Send the access token in the header `Authorization: Bearer …`.",
    "flows": {
        "clientCredentials": {
            "tokenUrl": "/oauth/token",
            "scopes": {
                scope.value: "May {1} {0}.".format(*scope.value.split(":")) for scope in Scope
            },
        }
    },
}

_SCHEMAS: dict[str, dict[str, Any]] = {
    "Problem": {
        "type": "object",
        "description": "A problem (RFC 9457). Some have members of their own besides these.",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri", "description": "Where it is explained."},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "For people; it may change."},
            "code": {"type": "string", "description": "For programs; it never changes."},
            "request_id": {"type": "string", "description": "Name it when you ask about it."},
            "errors": {"type": "array", "items": ref("FieldProblem")},
        },
        "examples": [
            {
                "type": "https://billing.example/docs/problems#unknown_field",
                "title": "Unknown field",
                "status": 400,
                "detail": "look at /plann",
                "code": "unknown_field",
                "request_id": "5c0f6a1b0f6e4b5fa7f3a6f3f3f0c9d1",
                "errors": [
                    {
                        "pointer": "/plann",
                        "code": "unknown_field",
                        "detail": "There is no such field.",
                    }
                ],
            }
        ],
    },
    "FieldProblem": {
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901)."},
            "code": _TEXT,
            "detail": _TEXT,
        },
    },
    "FieldChange": {
        "type": "object",
        "required": ["field", "before", "after"],
        "properties": {
            "field": _TEXT,
            "before": {"description": "The value it had; null if there was none."},
            "after": {"description": "The value it has; null if there is none."},
        },
    },
    "ProvisioningStatus": {
        "type": "object",
        "description": "How far the product services are.",
        "required": ["targets", "status"],
        "properties": {"targets": {"type": "integer", "minimum": 0}, "status": _TEXT},
    },
}

_PARAMETERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Your own name for this request; answered and logged. 1 to 128 of "
        "A-Z a-z 0-9 . _ -, or it is replaced.",
        "schema": _TEXT,
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and request again within 30 days: no second effect, the same "
        "answer, with `Idempotent-Replayed: true`.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": IDEMPOTENCY_KEY_PATTERN,
        },
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag you have seen: if the object is no longer like that, 412.",
        "schema": {"type": "string", "pattern": rf"^(?:\*|{_TAG}(?:, {_TAG})*)$"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag you have: if the object is still like that, 304.",
        "schema": {"type": "string", "pattern": rf"^(?:\*|{_TAG}(?:, {_TAG})*)$"},
    },
    "Reason": {
        "name": "X-Reason",
        "in": "header",
        "description": "Why, in ASCII; kept with the change. A `reason` in the body goes before, "
        "and takes any text.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": acting.MAX_REASON,
            "pattern": "^[ -~]*$",
        },
    },
}

_HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "description": "The name of this request in our logs.",
        "required": True,
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The hash of what is answered.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Replayed": {
        "description": "This answer was given before; nothing was done now.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Revision": {
        "description": "Give it as `at_least` to see entitlements at least as new as this change.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Challenge": {
        "description": "How to authenticate.",
        "required": True,
        "schema": {"type": "string"},
    },
}
