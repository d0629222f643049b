"""Query parameters: only those an operation declares, each once, none of them empty.

``?misspelt=x`` and ``?state=`` would otherwise answer with everything there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from rest_framework.serializers import ValidationError, empty

from core.api.field_base import Strict
from core.errors import BadRequest

MAX_PARAMETERS = 50


class UnknownParameter(BadRequest):
    """The query has a parameter that this operation does not have."""

    code = "unknown_parameter"


class DuplicateParameter(BadRequest):
    """The query has the same parameter twice."""

    code = "duplicate_parameter"


class EmptyParameter(BadRequest):
    """A parameter of the query has no value."""

    code = "empty_parameter"


class MissingParameter(BadRequest):
    """The query lacks a parameter that this operation needs."""

    code = "missing_parameter"


class MalformedParameter(BadRequest):
    """A parameter of the query does not have the form that is documented."""

    code = "malformed_parameter"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter; ``field`` says what it may be."""

    name: str
    field: Strict
    description: str
    required: bool = False

    def read(self, text: str) -> Any:
        """:raises MalformedParameter: 400"""
        try:
            return self.field.from_parameter(text)
        except ValidationError as error:
            detail = error.detail[0] if isinstance(error.detail, list) else error.detail
            raise MalformedParameter(f"{self.name}: {detail}", parameter=self.name) from None


def read_query(query: str, declared: Sequence[Parameter]) -> dict[str, Any]:
    """Return the values of the declared parameters: what the query string says, or defaults.

    :raises UnknownParameter, DuplicateParameter, EmptyParameter, MissingParameter,
        MalformedParameter: 400
    """
    given = _pairs(query)
    known = {each.name: each for each in declared}
    for name in given:
        if name not in known:
            raise UnknownParameter(_unknown(name, known), parameter=name[:100])
    for name, each in known.items():
        if each.required and name not in given:
            raise MissingParameter(f"the parameter {name} is needed", parameter=name)
    defaults = {
        name: each.field.default for name, each in known.items() if each.field.default is not empty
    }
    return {**defaults, **{name: known[name].read(text) for name, text in given.items()}}


def _pairs(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:  # a UnicodeDecodeError is one too
        raise MalformedParameter(
            f"the query must be UTF-8, with at most {MAX_PARAMETERS} parameters"
        ) from None
    given: dict[str, str] = {}
    for name, text in pairs:
        if name in given:
            raise DuplicateParameter("a parameter is given twice", parameter=name[:100])
        if not text:
            raise EmptyParameter("a parameter has no value", parameter=name[:100])
        given[name] = text
    return given


def _unknown(name: str, known: Mapping[str, Parameter]) -> str:
    if not known:
        return "this operation has no parameters"
    return f"the parameters are {', '.join(sorted(known))}"
