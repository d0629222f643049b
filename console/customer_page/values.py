"""How stored JSON is written for people. Pure."""

import re
from typing import Any

LONGEST = 200
NOTHING = "—"
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)", re.ASCII)


def said(value: Any) -> str:
    """Write a JSON value in words, at most 200 characters of it."""
    text = _said(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _said(value: Any) -> str:
    match value:
        case None:
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case {"unlimited": True}:
            return "no limit"
        case dict():
            return ", ".join(f"{name} {_said(value[name])}" for name in sorted(value)) or NOTHING
        case list():
            return ", ".join(_said(each) for each in value) or NOTHING
    text = str(value)
    instant = _INSTANT.fullmatch(text)
    return f"{instant[1]} {instant[2]}" if instant else text
