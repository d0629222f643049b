"""Database triggers that keep published things as they were published.

They raise ``integrity_constraint_violation``, which arrives in Python as IntegrityError.
"""

from typing import Any

import pgtrigger

_REFUSE = "RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation';"
_FINAL = _REFUSE.format(message="a published version never changes")

_PART_OF_A_DRAFT = """
    states := ARRAY[]::text[];
    FOR part IN SELECT unnest(CASE TG_OP
        WHEN 'INSERT' THEN ARRAY[to_jsonb(NEW)]
        WHEN 'DELETE' THEN ARRAY[to_jsonb(OLD)]
        ELSE ARRAY[to_jsonb(OLD), to_jsonb(NEW)] END)
    LOOP
        states := states
            || (SELECT status::text FROM plans_planversion
                WHERE id = (part ->> 'plan_version_id')::uuid)
            || (SELECT status::text FROM plans_addonversion
                WHERE id = (part ->> 'add_on_version_id')::uuid);
    END LOOP;
    IF EXISTS (SELECT 1 FROM unnest(states) AS state WHERE state <> 'draft') THEN
        REFUSE
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
""".replace("REFUSE", _FINAL)


def version_is_final() -> Any:
    """After its draft a version may only be archived, once; and only a draft may be deleted."""
    return pgtrigger.Trigger(
        name="version_is_final",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF OLD.status = 'draft' THEN
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                RETURN NEW;
            END IF;
            IF TG_OP = 'UPDATE' AND OLD.status = 'published' AND NEW.status = 'archived'
                AND to_jsonb(NEW) - 'status' - 'archived_at'
                    = to_jsonb(OLD) - 'status' - 'archived_at' THEN
                RETURN NEW;
            END IF;
            {_FINAL}
        """,
    )


def part_of_a_draft() -> Any:
    """Rows that belong to a plan's or add-on's version change only while it is a draft."""
    return pgtrigger.Trigger(
        name="part_of_a_draft",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("part", "jsonb"), ("states", "text[]")],
        func=_PART_OF_A_DRAFT,
    )


def keeps(*columns: str, once: str = "") -> Any:
    """These columns never change; with ``once``, not after that column was filled."""
    changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
    bound = f"OLD.{once} IS NOT NULL AND " if once else ""
    return pgtrigger.Trigger(
        name="keeps_its_meaning",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF {bound}({changed}) THEN
                {_REFUSE.format(message="what others rely on never changes")}
            END IF;
            RETURN NEW;
        """,
    )
