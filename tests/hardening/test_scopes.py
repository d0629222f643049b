"""Who may do what: every operation that is described, without a token and without its scope."""

import re

import pytest

from core.principals import Scope
from tests.hardening.door import Door, operations
from tests.world import World

OPERATIONS = [
    (method.upper(), path, operation["security"][0]["oauth2"])
    for path, methods in operations().items()
    if path.startswith("/v1/")
    for method, operation in methods.items()
]


def test_every_operation_needs_one_scope() -> None:
    assert len(OPERATIONS) > 50
    assert {len(scopes) for _, _, scopes in OPERATIONS} == {1}
    assert {scope for _, _, (scope,) in OPERATIONS} == {*Scope}


@pytest.mark.parametrize(("method", "path", "needed"), OPERATIONS)
def test_without_a_token_nothing_is_told(
    door: Door, method: str, path: str, needed: list[str]
) -> None:
    place = re.sub(r"\{\w+\}", "x", path)

    assert door.refuses(method, place, token=None) == (401, "not_authenticated")
    assert door.refuses(method, place, token="a.b.c") == (401, "invalid_token")


@pytest.fixture
def lacking(door: Door) -> dict[str, str]:
    """A token for each scope that may do everything but that."""
    world = World(door.client)
    return {
        missing: world.token_for([scope for scope in Scope if scope != missing])
        for missing in {scope for _, _, (scope,) in OPERATIONS}
    }


def test_without_its_scope_nothing_is_done(door: Door, lacking: dict[str, str]) -> None:
    for method, path, (needed,) in OPERATIONS:
        place = re.sub(r"\{\w+\}", "x", path)
        answer = door.knock(method, place, token=lacking[needed])

        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), (method, path)
        assert answer.json()["scope"] == needed
        if method == "GET":
            assert door.knock("HEAD", place, token=lacking[needed]).status_code == 403
