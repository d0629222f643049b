"""Strong ETags: the hash of what a representation says (RFC 9110, section 8.8)."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from core.api.rendering import dumps
from core.errors import BadRequest, PreconditionFailed

_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS = re.compile(rf"{_TAG}(?:[ \t]*,[ \t]*{_TAG})*", re.ASCII)


class MalformedPrecondition(BadRequest):
    """If-Match or If-None-Match is neither ``*`` nor a list of entity tags."""

    code = "malformed_precondition"


def etag(representation: Any) -> str:
    """Return the strong entity tag of a representation."""
    digest = sha256(dumps(representation, sorted_keys=True)).digest()
    return f'"{urlsafe_b64encode(digest[:18]).decode()}"'


def not_modified(header: str | None, current: str) -> bool:
    """Tell whether If-None-Match names what the caller would get.

    :raises MalformedPrecondition: 400
    """
    if header is None:
        return False
    tags = _tags(header)
    return "*" in tags or current in {tag.removeprefix("W/") for tag in tags}


class Precondition:
    """If-Match, to be checked once against the row that is about to change."""

    def __init__(self, header: str, represent: Callable[[Any], Any]) -> None:
        """:raises MalformedPrecondition: 400"""
        self._tags = _tags(header)
        self._represent = represent
        self._met = False

    def check(self, row: Any) -> None:
        """:raises PreconditionFailed: 412"""
        if "*" not in self._tags and etag(self._represent(row)) not in self._tags:
            raise PreconditionFailed("the object has changed since; read it again")
        self._met = True

    def require_met(self) -> None:
        """Nothing that exists was changed, so there was nothing that could match.

        :raises PreconditionFailed: 412
        """
        if not self._met:
            raise PreconditionFailed("there is nothing here yet that If-Match could match")


def _tags(header: str) -> frozenset[str]:
    text = header.strip()
    if text == "*":
        return frozenset({"*"})
    if _TAGS.fullmatch(text) is None:
        raise MalformedPrecondition('send * or entity tags like "…"')
    return frozenset(re.findall(_TAG, text))
