"""Every invariant is seen to fail when it is broken."""

from typing import Any

import pgtrigger
import pytest
from django.db import DatabaseError, connection

from core.transactions import unit_of_work
from provisioning import documents
from provisioning.invariants import INVARIANTS
from provisioning.models import Target
from tests.provisioning.conftest import Provisioning
from tests.world import World

FIND = {each.name: each.find for each in INVARIANTS}


def broken() -> dict[str, list[str]]:
    found = {name: list(find()) for name, find in FIND.items()}
    return {name: offenders for name, offenders in found.items() if offenders}


@pytest.fixture
def target(world: World, provisioning: Provisioning) -> Target:
    provisioning.configure(provisioning.sample())
    shop = world.zone(world.customer())
    provisioning.deliver()
    return provisioning.target(shop)


class TakenBack(Exception):
    """Nothing of what a test has broken stays."""


def look_after(change: dict[str, Any], target: Target) -> dict[str, list[str]]:
    """Change a target in a way that the database refuses, look, and take it back."""
    found: dict[str, list[str]] = {}

    def work() -> None:
        with connection.cursor() as cursor:
            for constraint in Target._meta.constraints:
                cursor.execute(
                    f'ALTER TABLE provisioning_target DROP CONSTRAINT IF EXISTS "{constraint.name}"'
                )
        with pgtrigger.ignore():
            Target.objects.filter(pk=target.pk).update(**change)
        found.update(broken())
        raise TakenBack

    with pytest.raises(TakenBack):
        unit_of_work(work)
    return found


def test_a_sound_database_has_no_offender(target: Target) -> None:
    assert broken() == {}


def test_applied_beyond_desired_is_found(target: Target) -> None:
    found = look_after({"applied_generation": 9}, target)
    assert found["applied_is_not_beyond_desired"] == [target.id]


def test_a_target_in_limbo_is_found(target: Target) -> None:
    found = look_after({"applied_generation": 0}, target)
    assert found["no_target_is_in_limbo"] == [target.id]


@pytest.mark.parametrize("column", ["desired_hash", "applied_hash"])
def test_a_hash_of_something_else_is_found(target: Target, column: str) -> None:
    found = look_after({column: "sha256:" + "0" * 64}, target)
    assert found["hashes_are_those_of_their_documents"] == [target.id]


def test_a_target_about_somebody_else_is_found(
    world: World, provisioning: Provisioning, target: Target
) -> None:
    bob = world.customer("bob")
    found = look_after({"customer_id": bob}, target)
    assert found["targets_are_about_their_owner"] == [target.id]
    found = look_after({"state": "suspended"}, target)
    assert found["targets_are_about_their_owner"] == [target.id]


def test_a_document_that_is_not_what_the_timeline_says_is_found(target: Target) -> None:
    content = {**target.desired_content, "entitlements": {}}
    change = {"desired_content": content, "desired_hash": documents.hash_of(content)}
    found = look_after(change, target)
    assert found["documents_are_what_timelines_say"] == [target.id]


@pytest.mark.parametrize(
    "change",
    [
        {"desired_generation": 0},
        {"applied_generation": 2},
        {"applied_generation": 0},
        {"desired_generation": 2, "next_attempt_at": "2026-01-01T00:00:00Z"},  # no other hash
        {"desired_hash": "sha256:0"},  # no other generation
        {"fencing_token": 0},
        {
            "next_attempt_at": "2026-01-01T00:00:00Z",
            "dead_lettered_at": "2026-01-01T00:00:00Z",
        },
    ],
)
def test_the_database_itself_refuses_what_may_never_be(
    target: Target, change: dict[str, Any]
) -> None:
    with pytest.raises(DatabaseError):
        unit_of_work(lambda: Target.objects.filter(pk=target.pk).update(**change))
