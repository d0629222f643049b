"""``expand=``: send related objects whole where a representation only names them.

A relation costs one query for all rows of an answer, and the scope that reading its objects needs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from core.api.field_base import TextLike
from core.api.parameters import Parameter
from core.api.serializers import Output, represent
from core.principals import Scope

PARAMETER = "expand"

Representation = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A member that names one object, by its id or, with ``named_by``, by another unique column.

    ``rows`` returns those objects with all that ``output`` shows of them. Whoever may see the
    object that names them may see them, with the ``scope``.
    """

    output: type[Output]
    rows: Callable[[], QuerySet[Any]]
    scope: Scope
    named_by: str = "pk"

    def found(self, names: Iterable[str], request: Any) -> dict[str, Any]:
        """Return the representation of each named object, found in one query."""
        rows = self.rows().in_bulk(sorted(set(names)), field_name=self.named_by)
        return {name: represent(self.output, row, request) for name, row in rows.items()}


class Relations(TextLike):
    """Names of relations, each once, separated by commas."""

    default_error_messages = {
        "unknown_relation": "This must be some of: {relations}.",
        "repeated_relation": "A relation is named twice.",
    }

    def __init__(self, relations: Iterable[str], **kwargs: Any) -> None:
        self.relations = tuple(sorted(relations))
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        names = self.text(data).split(",")
        if not set(names) <= set(self.relations):
            self.fail("unknown_relation", relations=", ".join(self.relations))
        if len(set(names)) < len(names):
            self.fail("repeated_relation")
        return tuple(names)

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "array",
            "items": {"type": "string", "enum": list(self.relations)},
            "minItems": 1,
            "uniqueItems": True,
        }


def parameters(output: type[Output], expandable: Mapping[str, Expansion]) -> tuple[Parameter, ...]:
    """Return the parameter of an operation whose ``output`` has these relations, if any.

    :raises ValueError: for a relation that is no member of the output
    """
    if not expandable:
        return ()
    strange = expandable.keys() - output._declared_fields.keys()
    if strange:
        raise ValueError(f"{output.__name__} has no {', '.join(sorted(strange))}")
    needs = ", ".join(f"`{name}` (`{expandable[name].scope}`)" for name in sorted(expandable))
    return (
        Parameter(
            PARAMETER,
            Relations(expandable),
            "Send these objects whole where otherwise only their names are, separated by commas. "
            f"Each needs the scope that reading it needs: {needs}.",
        ),
    )


def chosen(request: Any, expandable: Mapping[str, Expansion]) -> dict[str, Expansion]:
    """Return the relations that a request asks for.

    :raises ScopeMissing: if the caller may not read one of them
    """
    wanted = {name: expandable[name] for name in request.parameters.get(PARAMETER, ())}
    for expansion in wanted.values():
        request.principal.require(expansion.scope)
    return wanted


def expanded(
    found: Sequence[Representation], wanted: Mapping[str, Expansion], request: Any
) -> Sequence[Representation]:
    """Put the wanted objects in the place of their names; where nothing is named, null stays."""
    for member, expansion in wanted.items():
        names = [each[member] for each in found if each[member] is not None]
        objects = expansion.found(names, request)
        found = [{**each, member: objects.get(each[member])} for each in found]
    return found
