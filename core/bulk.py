"""Write some columns of many rows in one statement.

``bulk_update`` builds a CASE of every column for every row, most of whose cost is Python's and the
parser's. One UPDATE from unnested arrays costs little more for a thousand rows than for one.
Constraints hold and audit triggers run as for any other statement.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def write(
    model: type[Model],
    *,
    columns: Sequence[str],
    rows: Sequence[Model] | Mapping[Any, Sequence[Any]],
    never_lower: Collection[str] = (),
) -> None:
    """Write these columns of rows that exist; without rows, do nothing.

    ``columns`` are names of the model's fields. ``rows`` are instances, or {primary key: values in
    the order of the columns}. Of the columns in ``never_lower`` the greater of the old and the new
    value is kept, so that nobody has to read the row before. A row that does not exist is left out,
    like in any UPDATE. Two instances of one row are a defect: which of them wins is not defined.

    :raises TypeError: for a column whose values are arrays, which do not unnest into rows
    """
    if not rows:
        return
    options = model._meta
    key = options.pk
    fields: list[Any] = [key, *(options.get_field(name) for name in columns)]
    quoted = connection.ops.quote_name
    names = [quoted(field.column) for field in fields]
    arrays = ", ".join(f"%s::{_array_type(field)}" for field in fields)
    changes = ", ".join(
        f"{column} = greatest(kept.{column}, fresh.{column})"
        if name in never_lower
        else f"{column} = fresh.{column}"
        for name, column in zip(columns, names[1:], strict=True)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(options.db_table)} AS kept SET {changes}"  # noqa: S608 - our own names
            f" FROM unnest({arrays}) AS fresh ({', '.join(names)})"
            f" WHERE kept.{names[0]} = fresh.{names[0]}",
            [
                [_prepared(field, value) for value in values]
                for field, values in zip(fields, _by_column(fields, rows), strict=True)
            ],
        )


def _by_column(
    fields: Sequence[Any], rows: Sequence[Model] | Mapping[Any, Sequence[Any]]
) -> list[Sequence[Any]]:
    if isinstance(rows, Mapping):
        return list(zip(*((key, *values) for key, values in rows.items()), strict=True))
    return [[getattr(row, field.attname) for row in rows] for field in fields]


def _prepared(field: Any, value: Any) -> Any:
    """A list must hold one type only, so a text and an enum's member of that text are one."""
    plain = value.value if isinstance(value, Enum) else value
    return field.get_db_prep_save(plain, connection)


def _array_type(field: "Field[Any, Any]") -> str:
    """Without the length: casting to varchar(3) cuts silently, assigning to it is refused."""
    base = str(field.cast_db_type(connection))
    if base.endswith("]"):
        raise TypeError(f"{field.name} holds arrays")
    return f"{base.split('(')[0]}[]"
