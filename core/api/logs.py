"""Logs as JSON lines that carry the request id, and never a secret."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(
    r"authorization|cookie|password|passwd|secret|token|api_?key|credential|private_?key|otp",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
)
_MAX_DEPTH = 6

Event = MutableMapping[str, Any]


def configure(environment: str) -> dict[str, Any]:
    """Return Django's LOGGING; readable lines in development, JSON elsewhere."""
    last: Any = structlog.processors.JSONRenderer()
    if environment == "development":
        last = structlog.dev.ConsoleRenderer(colors=False)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        name_request,
        shorten_refusals,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    last,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # An API's 4xx are answers, not events; the 5xx are logged where they happen.
            "django.request": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            "django": {"handlers": [], "level": "INFO", "propagate": True},
        },
    }


def name_request(_logger: Any, _method: str, event: Event) -> Event:
    """Show the path and the id of a request that Django logs about, not the request: it logs when
    the request's own context is over, and would show the query."""
    request = event.pop("request", None)
    if request is not None:
        event["path"] = getattr(request, "path", "")
        event.setdefault("request_id", getattr(request, "request_id", ""))
    return event


def shorten_refusals(_logger: Any, _method: str, event: Event) -> Event:
    """Take the traceback from what Django refuses by itself, such as a wrong Host: the fault is the
    caller's, who may repeat it as often as he likes, and the message says it all."""
    if str(event.get("logger", "")).startswith("django.security."):
        event.pop("exc_info", None)
    return event


def hide_secrets(_logger: Any, _method: str, event: Event) -> Event:
    """Replace what is called like a secret, and what looks like one in any text."""
    return {name: _hidden(name, value, 0) for name, value in event.items()}


def _hidden(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(HIDDEN, value)
    if depth < _MAX_DEPTH and isinstance(value, dict):
        return {each: _hidden(str(each), inner, depth + 1) for each, inner in value.items()}
    if depth < _MAX_DEPTH and isinstance(value, list | tuple):
        return [_hidden(name, inner, depth + 1) for inner in value]
    return value
