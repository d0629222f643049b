"""What our fields have in common."""

from typing import Any

from rest_framework import serializers


class Strict(serializers.Field):
    """The base of our fields: a check, and the JSON Schema that says the same."""

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what is taken; it may refer to the shared schemas."""
        raise NotImplementedError

    def from_parameter(self, text: str) -> Any:
        """Read the field from a query parameter, where everything is text."""
        return self.run_validation(text)

    def to_representation(self, value: Any) -> Any:
        return value


class TextLike(Strict):
    default_error_messages = {"not_text": "This must be a text."}

    def text(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("not_text")
        return data

    def to_representation(self, value: Any) -> Any:
        return str(value)
