"""Read JSON bodies strictly: what is unclear is refused before anything acts on it.

The stock parser guesses encodings, keeps the last of two equal keys, takes NaN and fails on deep
nesting. Here every one of these is an answer with a code of its own, in bounded time.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from django.http import UnreadablePostError
from django.utils.http import parse_header_parameters
from rest_framework.parsers import BaseParser

from core.errors import BadRequest, DomainError

MAX_BYTES = 256 * 1024
MAX_BYTES_DECLARABLE = 1024 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
MAX_LENGTH_DIGITS = 19

_INTEGER_DIGITS = 20  # a sign and 19 digits: longer ones are never converted
# A whole string, even one without an end, or one bracket. Possessive: it never looks back.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_UNACCEPTABLE = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(BadRequest):
    """The body is not one JSON object."""

    code = "malformed_json"


class TooDeep(BadRequest):
    """The body nests arrays and objects deeper than 32 levels."""

    code = "too_deep"


class DuplicateKey(BadRequest):
    """An object of the body has two members of the same name."""

    code = "duplicate_key"


class UnacceptableText(BadRequest):
    """A text of the body holds U+0000 or half of a surrogate pair."""

    code = "unacceptable_text"


class UnacceptableNumber(BadRequest):
    """A number of the body is not finite, or an integer beyond 64 bits."""

    code = "unacceptable_number"


class LengthRequired(BadRequest):
    """The body came without a Content-Length that says how long it is."""

    code = "length_required"


class BodyTooLarge(DomainError):
    """The body is larger than this endpoint takes."""

    code = "body_too_large"
    status = 413


class UnsupportedMediaType(DomainError):
    """The body is not declared as application/json."""

    code = "unsupported_media_type"
    status = 415


class UnsupportedEncoding(DomainError):
    """The body is not UTF-8, begins with a byte order mark, or is compressed."""

    code = "unsupported_encoding"
    status = 415


def strict_json(
    body: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    list_allowed: bool = False,
) -> Any:
    """Return the value of a JSON text (RFC 8259): an object, or a list where that is declared.

    Depth is counted before parsing and without recursion, so nesting costs nothing. Numbers with
    a fraction or an exponent become floats, which no field for money or quantities accepts.

    :raises BodyTooLarge: 413
    :raises UnsupportedEncoding: 415
    :raises MalformedJson, TooDeep, DuplicateKey, UnacceptableText, UnacceptableNumber: 400
    """
    if len(body) > max_bytes:
        raise BodyTooLarge(f"the body may have {max_bytes} bytes", max_bytes=max_bytes)
    if not body:
        raise MalformedJson("the body is empty")
    text = _text(body)
    _check_depth(body, max_depth)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(value, dict | list) or (isinstance(value, list) and not list_allowed):
        raise MalformedJson("the body must be an object")
    if b"\\u" in body:
        _check_texts(value)
    return value


class StrictJsonParser(BaseParser):
    """The one parser of our own endpoints. A view may declare ``max_body_bytes`` up to 1 MiB."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        context = parser_context or {}
        max_bytes = min(
            getattr(context.get("view"), "max_body_bytes", MAX_BYTES), MAX_BYTES_DECLARABLE
        )
        _check_declaration(media_type or "")
        declared = int(context["request"].headers.get("Content-Length") or 0)
        body = read(stream, max_bytes=max_bytes, declared=declared)
        return strict_json(body, max_bytes=max_bytes)


def read(stream: Any, *, max_bytes: int, declared: int) -> bytes:
    """Read a request's body of ``declared`` bytes; never more of it than may be.

    :raises BodyTooLarge: 413, before reading anything
    :raises MalformedJson: if the body ends before its declared length
    """
    if declared > max_bytes:
        raise BodyTooLarge(f"the body may have {max_bytes} bytes", max_bytes=max_bytes)
    body = b""
    try:
        while len(body) < declared:
            part: bytes = stream.read(declared - len(body))
            if not part:
                break
            body += part
    except UnreadablePostError:
        body = b""
    if len(body) < declared:
        raise MalformedJson("the body ends before its declared length")
    return body


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse bodies that could not be read as they are meant.

    A chunked body would look like no body at all, and an optional field in it be lost silently.

    :raises LengthRequired: 400
    :raises UnsupportedEncoding: 415
    """
    length = headers.get("Content-Length") or "0"
    if not (length.isascii() and length.isdigit() and len(length) < MAX_LENGTH_DIGITS):
        raise LengthRequired("Content-Length must be the number of bytes")
    if "Transfer-Encoding" in headers and not headers.get("Content-Length"):
        raise LengthRequired("send a Content-Length")
    if headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedEncoding("send the body uncompressed")


def _check_declaration(media_type: str) -> None:
    essence, parameters = parse_header_parameters(media_type)
    if essence != "application/json":
        raise UnsupportedMediaType("send application/json")
    if parameters.pop("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedEncoding("JSON is UTF-8")
    if parameters:
        raise UnsupportedMediaType("application/json takes no parameter but charset")


def _text(body: bytes) -> str:
    if json.detect_encoding(body) != "utf-8":
        raise UnsupportedEncoding("the body must be UTF-8 without a byte order mark")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise UnsupportedEncoding("the body must be UTF-8") from None


def _check_depth(body: bytes, max_depth: int) -> None:
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return
    depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > max_depth:
                raise TooDeep(f"at most {max_depth} levels of arrays and objects")
        elif first in b"]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise DuplicateKey("an object has two members of the same name")
    return members


def _integer(digits: str) -> int:
    if len(digits) <= _INTEGER_DIGITS:
        value = int(digits)
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return value
    raise UnacceptableNumber("integers must fit into 64 bits")


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise UnacceptableNumber("numbers must be finite")
    return value


def _constant(name: str) -> NoReturn:
    raise UnacceptableNumber(f"{name} is not a number of JSON")


def _check_texts(value: Any) -> None:
    """Look into escaped texts. At most 32 levels deep by now, so recursion is safe."""
    if isinstance(value, str):
        if _UNACCEPTABLE.search(value):
            raise UnacceptableText("texts must not hold U+0000 or half of a surrogate pair")
    elif isinstance(value, list):
        for each in value:
            _check_texts(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            _check_texts(key)
            _check_texts(each)
