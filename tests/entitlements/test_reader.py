"""The connection that checks read on: each thread's own, fresh, replaced when it breaks."""

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from entitlements import catalog, connections
from plans.services import apply_catalog
from tests.entitlements.conftest import catalog as shop_catalog
from tests.world import World


def ask(world: World, customer: str, **query: str) -> tuple[int, dict[str, Any]]:
    answer = world.client.get(
        "/v1/entitlements/check",
        {"feature": "seats", "customer": customer, **query},
        headers={"Authorization": f"Bearer {world.token}"},
    )
    return answer.status_code, answer.json()


def backends() -> list[int]:
    """Return the server processes of connections that only read."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
            " AND (query LIKE '%entitlements_customerrevision r%' OR query LIKE '%usage_level%')"
        )
        return [pid for (pid,) in cursor.fetchall()]


def test_a_committed_change_is_in_the_very_next_check(committed_world: World) -> None:
    ada = committed_world.customer()
    shop = committed_world.zone(ada)
    for plan, rules in (("pro", "20"), ("business", "100")):
        committed_world.change(shop, plan)
        assert committed_world.check("rules", subject=shop)["value"] == rules


def test_one_connection_serves_all_checks_of_a_thread(committed_world: World) -> None:
    ada = committed_world.customer()
    for _ in range(3):
        ask(committed_world, ada)
    assert len(backends()) == 1


def test_every_thread_has_a_connection_of_its_own(committed_world: World) -> None:
    ada = committed_world.customer()
    ask(committed_world, ada)
    seen: list[Any] = []

    def other() -> None:
        seen.append(ask(committed_world, ada)[0])
        seen.append(len(backends()))
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == [200, 2]


def test_a_connection_that_was_cut_is_replaced_unnoticed(committed_world: World) -> None:
    ada = committed_world.customer()
    ask(committed_world, ada)
    [pid] = backends()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
    assert ask(committed_world, ada)[0] == 200
    assert backends() not in ([], [pid])


@pytest.mark.parametrize(
    ("feature", "names"),
    [
        ("region", ["path id/ False"]),
        ("requests", ["path id/ False"]),  # its use is reported elsewhere
        ("seats", ["path id/ False"]),  # its level comes along
    ],
)
def test_one_statement_reads_what_is_not_counted_in_windows(
    world: World, monkeypatch: pytest.MonkeyPatch, feature: str, names: list[str]
) -> None:
    ada = world.customer()
    asked: list[str] = []
    run = connections.run

    def counting(statement: connections.Statement, parameters: Any) -> Any:
        asked.append(statement.name)
        return run(statement, parameters)

    monkeypatch.setattr(connections, "run", counting)
    world.check(feature, customer=ada)
    assert asked == names


@pytest.mark.parametrize(
    ("at_least", "code"), [(False, "entitlements_unavailable"), (True, "revision_unavailable")]
)
def test_a_database_that_is_away_is_said_to_be(
    committed_world: World, monkeypatch: pytest.MonkeyPatch, at_least: bool, code: str
) -> None:
    ada = committed_world.customer()
    token = committed_world.get(f"customers/{ada}/entitlements/token")["token"]
    connections.close()

    def refuse(**_: Any) -> None:
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(psycopg, "connect", refuse)
    query = {"at_least": token} if at_least else {}
    status, problem = ask(committed_world, ada, **query)
    assert (status, problem["code"]) == (503, code)


def test_a_process_that_never_saw_the_catalog_says_so_too(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = committed_world.customer()

    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(catalog, "_seen", None)
    monkeypatch.setattr(catalog.queries, "features", refuse)
    status, problem = ask(committed_world, ada)
    assert (status, problem["code"]) == (503, "database_unavailable")


def test_a_catalog_that_was_seen_goes_on_to_serve(
    committed_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = committed_world.customer()
    ask(committed_world, ada)

    def refuse() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(catalog, "_seen", replace(catalog._seen, until=0.0))
    monkeypatch.setattr(catalog.queries, "features", refuse)
    assert ask(committed_world, ada)[0] == 200


def test_a_database_that_does_not_answer_is_given_half_a_second(committed_world: World) -> None:
    ada = committed_world.customer()
    ask(committed_world, ada)
    with psycopg.connect(**_parameters()) as blocking:
        blocking.execute("LOCK TABLE entitlements_customerrevision IN ACCESS EXCLUSIVE MODE")
        status, problem = ask(committed_world, ada)
        assert (status, problem["code"]) == (503, "entitlements_unavailable")
        blocking.rollback()
    assert ask(committed_world, ada)[0] == 200


def test_checks_cannot_write(committed_world: World) -> None:
    ask(committed_world, committed_world.customer())
    [held] = [each for each in connections._open if not each.closed]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        held.execute("DELETE FROM entitlements_customerrevision")


def test_a_feature_made_a_moment_ago_is_known(committed_world: World) -> None:
    ada = committed_world.customer()
    ask(committed_world, ada)
    tree = shop_catalog()
    more = {"name": "More", "type": "boolean", "scope": "customer", "product_service": "desk"}
    apply_catalog(tree={"features": {**tree["features"], "more": more}})
    assert committed_world.check("more", customer=ada)["reason"] == "not_entitled"


def _parameters() -> dict[str, Any]:
    parameters = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return {name: parameters.get(name) for name in names}
