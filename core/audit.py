"""The audit log: what every write to a money- or access-relevant row changed, by whom and why.

Triggers write it, so bulk statements and hand-written SQL are seen too. They run once per statement
and read the actor that the unit of work put into the transaction; without one the write fails.
A model takes part by ``triggers = audit.triggers(...)`` in its Meta.

A connection keeps a trigger's plan from the first statement it saw. Planned for one row, a plain
join of old and new rows compares each with each, which is ruinous for the thousands that come
later. No id changes, so a full join finds the same pairs; that one is only ever hashed or merged.
"""

from typing import Any

import pgtrigger

_INSERT_INTO = """
    INSERT INTO core_auditentry
        (at, actor, reason, request_id, table_name, row_id, customer_id, operation, changes)
    SELECT clock_timestamp(), current_setting('billing.actor', true),
        coalesce(current_setting('billing.reason', true), ''),
        coalesce(current_setting('billing.request_id', true), ''),
        TG_TABLE_NAME, {row}.id::text, {customer}, '{operation}', {changes}
"""
_CHANGED = """
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(new_value.key, {change}) AS columns
        FROM jsonb_each(to_jsonb(n)) AS new_value
        WHERE new_value.value IS DISTINCT FROM to_jsonb(o) -> new_value.key
            AND NOT new_value.key = ANY (ARRAY[{ignored}]::text[])
    ) AS changed
    WHERE changed.columns IS NOT NULL;
    RETURN NULL;
"""


def triggers(
    *, customer: str = "customer_id", ignored: tuple[str, ...] = (), personal: bool = False
) -> list[Any]:
    """Return the three triggers that audit a table whose primary key column is ``id``.

    ``customer`` is the column that names the customer, or "" where rows belong to none; changes of
    ``ignored`` columns alone are not worth an entry. Of ``personal`` tables only the names of
    the columns are kept, so that a person can be erased while the log stays.
    """
    whole = "(SELECT jsonb_object_agg(key, true) FROM jsonb_each(to_jsonb({row})))"
    if not personal:
        whole = "to_jsonb({row})"
    change = (
        "true" if personal else "jsonb_build_array(to_jsonb(o) -> new_value.key, new_value.value)"
    )
    ignored_list = ", ".join(f"'{name}'" for name in ignored)

    def statement(row: str, operation: str, changes: str) -> str:
        owner = f"{row}.{customer}" if customer else "NULL::uuid"
        return _INSERT_INTO.format(row=row, customer=owner, operation=operation, changes=changes)

    return [
        _trigger(
            "audit_insert",
            pgtrigger.Insert,
            pgtrigger.Referencing(new="new_rows"),
            statement("n", "insert", whole.format(row="n")) + " FROM new_rows n; RETURN NULL;",
        ),
        _trigger(
            "audit_update",
            pgtrigger.Update,
            pgtrigger.Referencing(new="new_rows", old="old_rows"),
            statement("n", "update", "changed.columns")
            + " FROM new_rows n FULL JOIN old_rows o ON o.id = n.id"  # not a plain one: see above
            + _CHANGED.format(change=change, ignored=ignored_list),
        ),
        _trigger(
            "audit_delete",
            pgtrigger.Delete,
            pgtrigger.Referencing(old="old_rows"),
            statement("o", "delete", whole.format(row="o")) + " FROM old_rows o; RETURN NULL;",
        ),
    ]


def append_only(name: str = "append_only") -> Any:
    """Return the trigger that refuses to change or delete what a table holds."""
    return pgtrigger.Protect(name=name, operation=pgtrigger.Update | pgtrigger.Delete)


def _trigger(name: str, operation: Any, referencing: Any, func: str) -> Any:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        level=pgtrigger.Statement,
        referencing=referencing,
        func=func,
    )
