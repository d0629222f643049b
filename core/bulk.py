"""Write many rows, or some columns of many, in one statement.

``bulk_update`` builds a CASE of every column for every row, most of whose cost is Python's and the
parser's. One UPDATE from unnested arrays costs little more for a thousand rows than for one.
``bulk_create`` formats every value with the SQL around it; COPY takes it as it is. Constraints hold
and audit triggers run as for any other statement.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from django.db import connection, connections
from django.db.models import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    Model,
    PositiveIntegerField,
    TextField,
)

# Of these, what Python holds is what the driver takes.
_AS_IT_IS = (
    BigIntegerField,
    BooleanField,
    CharField,
    DateTimeField,
    PositiveIntegerField,
    TextField,
)


def insert(model: type[Model], rows: Sequence[Model]) -> None:
    """Write new rows, each with a value in every column; without rows, do nothing.

    Numbers that the database gives are taken in the order of the rows and put into them, unless
    they have them already.
    """
    if not rows:
        return
    options = model._meta
    quoted = connection.ops.quote_name
    fields: list[Any] = [field for field in options.concrete_fields if not field.generated]
    columns = ", ".join(quoted(field.column) for field in fields)
    with connection.cursor() as cursor, connection.wrap_database_errors:
        number = options.pk
        if isinstance(number, AutoField) and rows[0].pk is None:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [quoted(options.db_table), number.column, len(rows)],
            )
            for row, (given,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = given
        with cursor.copy(f"COPY {quoted(options.db_table)} ({columns}) FROM STDIN") as stream:
            for values in zip(*_prepared(fields, rows), strict=True):
                stream.write_row(values)
    for row in rows:
        row._state.adding = False
        row._state.db = connection.alias


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
            _prepared(fields, rows),
        )


def _prepared(
    fields: Sequence[Any], rows: Sequence[Model] | Mapping[Any, Sequence[Any]]
) -> list[list[Any]]:
    """Return what the driver takes, by column."""
    columns: Iterable[Iterable[Any]]
    if isinstance(rows, Mapping):
        columns = zip(*((key, *values) for key, values in rows.items()), strict=True)
    else:
        columns = [[getattr(row, field.attname) for row in rows] for field in fields]
    return [_column(field, values) for field, values in zip(fields, columns, strict=True)]


def _column(field: Any, values: Iterable[Any]) -> list[Any]:
    """A list must hold one type only, so a text and an enum's member of that text are one."""
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    if type(field) in _AS_IT_IS:
        return plain
    database = connections[connection.alias]  # not asked through its proxy for every value
    return [field.get_db_prep_save(value, database) for value in plain]


def _array_type(field: "Field[Any, Any]") -> str:
    """Without the length: casting to varchar(3) cuts silently, assigning to it is refused."""
    base = str(field.cast_db_type(connection))
    if base.endswith("]"):
        raise TypeError(f"{field.name} holds arrays")
    return f"{base.split('(')[0]}[]"
