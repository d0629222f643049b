"""Each invariant of the catalog is seen to fail when it is broken on purpose."""

from collections.abc import Callable

import pytest
from django.db import connection

from plans.invariants import INVARIANTS
from plans.services import apply_catalog
from tests.plans.catalogs import small

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unwired")]
BY_NAME = {each.name: each for each in INVARIANTS}


@pytest.fixture
def broken() -> Callable[[str], None]:
    """Apply the small catalog, and break it below all triggers."""
    apply_catalog(tree=small())
    assert [each.name for each in INVARIANTS if list(each.find())] == []

    def run(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(sql)

    return run


BREAKS = {
    "landings_are_on_sale": "UPDATE plans_planversion SET status = 'archived', archived_at = now()",
    "versions_on_sale_are_complete": "DELETE FROM plans_featurevalue",
    "published_meanings_are_fixed": "UPDATE plans_meter SET published_at = NULL",
    "feature_values_are_canonical": "UPDATE plans_featurevalue SET value = '\"20\"'",
}


def test_every_invariant_is_broken_here() -> None:
    assert BREAKS.keys() == BY_NAME.keys()


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_what_breaks_it_is_found(name: str, broken: Callable[[str], None]) -> None:
    broken(BREAKS[name])
    assert list(BY_NAME[name].find()) != []
