"""Numbers in catalog documents and feature values: integers or decimal strings, never floats."""

import re
from decimal import Decimal
from typing import Any

from core.errors import BadRequest, FieldProblem

LARGEST = Decimal(2**53 - 1)  # the largest integer that every JSON reader keeps exact
MOST_PLACES = 12
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,12})?", re.ASCII)


class MalformedValue(BadRequest):
    """A value has a form that its type does not have."""

    code = "malformed_value"

    @property
    def pointer(self) -> str:
        """Where in the value, as a JSON pointer; empty: the value itself."""
        return self.errors[0].pointer


def malformed(pointer: str, detail: str) -> MalformedValue:
    """Make the error for one place of a value."""
    return MalformedValue(detail, errors=[FieldProblem(pointer, MalformedValue.code, detail)])


def parse(
    form: Any, pointer: str, *, lowest: Decimal | None = None, whole: bool = False
) -> Decimal:
    """Read an integer or a decimal string of at most twelve places.

    :raises MalformedValue: for anything else, and outside ``lowest`` … 2^53 - 1
    """
    if isinstance(form, bool) or not isinstance(form, int | str):
        raise malformed(pointer, "a number is an integer or a decimal in quotes")
    if isinstance(form, str) and _DECIMAL.fullmatch(form) is None:
        raise malformed(pointer, "a decimal is written like 12.5, with at most 12 places")
    number = Decimal(form)
    if abs(number) > LARGEST:
        raise malformed(pointer, f"a number is at most {LARGEST}")
    if lowest is not None and number < lowest:
        raise malformed(pointer, f"the number must be at least {lowest}")
    if whole and number != number.to_integral_value():
        raise malformed(pointer, "the number must be whole")
    return number


def to_json(number: Decimal) -> int | str:
    """Write a number: an integer where it is whole, else the shortest decimal string."""
    if number == number.to_integral_value():
        return int(number)
    return f"{number.normalize():f}"


def refuse_floats(form: Any, pointer: str) -> None:
    """:raises MalformedValue: at the first float, at any depth"""
    if isinstance(form, float):
        raise malformed(pointer, "put decimals in quotes")
    if isinstance(form, dict):
        for name, child in form.items():
            refuse_floats(child, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    if isinstance(form, list):
        for place, child in enumerate(form):
            refuse_floats(child, f"{pointer}/{place}")
