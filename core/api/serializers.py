"""What goes in and what comes out: inputs refuse what they do not know, and say where."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rest_framework import serializers

from core.errors import BadRequest, FieldProblem

UNKNOWN = "unknown_field"


class InvalidInput(BadRequest):
    """Something in the body is not as documented; ``errors`` says what, and where."""

    code = "invalid_input"


class UnknownField(BadRequest):
    """The body has fields that do not exist or cannot be written; ``errors`` names them."""

    code = UNKNOWN


class Input(serializers.Serializer):
    """The shape of a body, or of an object in one. Unknown and read-only fields are refused."""

    default_error_messages = {
        "invalid": "This must be an object.",
        UNKNOWN: "There is no such field.",
    }

    def to_internal_value(self, data: Any) -> Any:
        unknown: dict[str, Any] = {}
        if isinstance(data, Mapping):
            known = {field.field_name for field in self._writable_fields}
            message = str(self.error_messages[UNKNOWN])
            unknown = {
                name: [serializers.ErrorDetail(message, UNKNOWN)]
                for name in data
                if name not in known
            }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if isinstance(error.detail, dict):
                raise serializers.ValidationError({**unknown, **error.detail}) from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown)
        return value


class Output(serializers.Serializer):
    """The shape of an answer. Every field is always there; one without a value is null."""

    example: ClassVar[Mapping[str, Any]] = {}


def represent(output: type[Output], row: Any, request: Any) -> Any:
    """Return what an answer says of a row, as plain values."""
    return output(row, context={"request": request}).data


def validated(shape: type[Input], data: Any, *, context: Mapping[str, Any] | None = None) -> dict:
    """Return what a body says, checked.

    :raises InvalidInput: 400, with every error and its place
    :raises UnknownField: 400, if unknown fields are all that is wrong
    """
    serializer = shape(data=data, context=dict(context or {}))
    if serializer.is_valid():
        return dict(serializer.validated_data)
    raise invalid(serializer.errors)


def invalid(errors: Any, *, pointer: str = "") -> BadRequest:
    """Turn DRF's tree of errors into one error that lists them with their JSON pointers."""
    problems = tuple(_flat(errors, pointer))
    kind = UnknownField if all(each.code == UNKNOWN for each in problems) else InvalidInput
    places = ", ".join(sorted({each.pointer or "the body" for each in problems})[:5])
    return kind(f"look at {places}", errors=problems)


def _flat(errors: Any, pointer: str) -> Iterator[FieldProblem]:
    """Walk through the errors: objects by name, lists by place (RFC 6901)."""
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            here = pointer if name == "non_field_errors" else f"{pointer}/{_escaped(str(name))}"
            yield from _flat(inner, here)
    elif isinstance(errors, list | tuple):
        leaves = all(isinstance(each, str) for each in errors)
        for place, inner in enumerate(errors):
            yield from _flat(inner, pointer if leaves else f"{pointer}/{place}")
    else:
        yield FieldProblem(pointer, str(getattr(errors, "code", "invalid")), str(errors))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
