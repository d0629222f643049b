"""The sample product service holds what it is told: the receiving side of the contract, over HTTP,
with nothing of ours but its documents."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.product_service import store
from examples.product_service.store import Store
from tests.provisioning.conftest import SECRET
from tests.provisioning.sample_service.conftest import CUSTOMER, TARGET, Service, document, entry


def test_a_document_is_applied_and_echoed(service: Service) -> None:
    form = document()
    assert service.put(form) == (200, {"generation": 1, "hash": form["hash"]})
    assert service.get(f"/provisioning/{TARGET}") == (
        200,
        {"generation": 1, "hash": form["hash"]},
    )
    (held,) = service.held()
    assert held["customer"] == {"id": CUSTOMER, "key": "ada"}
    assert held["allowed"] == {"rules": 5}
    assert held["generation"] == 1


def test_a_repeat_is_confirmed_and_changes_nothing(service: Service) -> None:
    form = document()
    first = service.put(form)
    applied_at = service.held()[0]["applied_at"]
    assert [service.put(form) for _ in range(3)] == [first] * 3
    assert service.held()[0]["applied_at"] == applied_at


def test_older_documents_and_others_of_the_same_generation_are_refused(service: Service) -> None:
    service.put(document(5))
    assert service.put(document(4)) == (409, {"generation": 5})
    another = document(5, entitlements={"rules": entry(6)})
    assert service.put(another) == (409, {"generation": 5})
    assert service.held()[0]["allowed"] == {"rules": 5}
    assert service.put(document(9))[0] == 200


def test_a_tombstone_still_refuses_what_is_older(service: Service) -> None:
    service.put(document(1))
    service.put(document(2, state="deleted", entitlements={}))
    assert service.put(document(1)) == (409, {"generation": 2})
    assert service.held()[0]["allowed"] == {}


def test_documents_that_arrive_in_any_order_at_once_end_with_the_newest(service: Service) -> None:
    """Thirty generations and their repeats, over many connections at the same time."""
    forms = [document(number, entitlements={"rules": entry(number)}) for number in range(1, 31)] * 2

    def put(form: Any) -> int:
        return Service(service.server).put(form)[0]

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(put, reversed(forms)))
    assert set(statuses) <= {200, 409}
    assert service.held()[0]["allowed"] == {"rules": 30}


def test_what_is_held_survives_a_restart(service: Service, state: Path) -> None:
    service.put(document(3))
    again = Store(state)
    assert [each.document.generation for each in again.all()] == [3]
    assert again.all()[0].form == document(3)
    assert list(state.parent.iterdir()) == [state]


def test_a_line_that_was_cut_by_a_crash_is_forgotten(service: Service, state: Path) -> None:
    service.put(document(3))
    with state.open("ab") as file:
        file.write(b'{"document": {"target": "tg')
    assert [each.document.generation for each in Store(state).all()] == [3]
    assert state.read_bytes().count(b"\n") == 1


def test_the_file_does_not_grow_for_ever(
    service: Service, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OLD_LINES", 5)
    for number in range(1, 30):
        service.put(document(number, entitlements={"rules": entry(number)}))
    assert state.read_bytes().count(b"\n") <= 7
    assert [each.document.generation for each in Store(state).all()] == [29]


def test_what_cannot_be_kept_is_not_confirmed(
    service: Service, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.put(document(1))

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, problem = service.put(document(2))
    assert (status, problem["code"]) == (503, "not_kept")
    assert service.held()[0]["generation"] == 1
    monkeypatch.undo()
    assert service.put(document(2))[0] == 200


def test_a_value_stops_at_its_until_by_itself(service: Service) -> None:
    now = datetime.now(UTC)
    soon = (now + timedelta(seconds=1)).isoformat()
    service.put(
        document(
            entitlements={
                "over": entry(1, until=(now - timedelta(hours=1)).isoformat()),
                "soon over": entry(2, until=soon),
                "lasting": entry(3),
            }
        )
    )
    assert service.held()[0]["allowed"] == {"soon over": 2, "lasting": 3}
    time.sleep(1.1)
    assert service.held()[0]["allowed"] == {"lasting": 3}
    assert set(service.held()[0]["entitlements"]) == {"over", "soon over", "lasting"}


@pytest.mark.parametrize("state_", ["suspended", "deleted"])
def test_nothing_is_allowed_unless_active(service: Service, state_: str) -> None:
    service.put(document(state=state_))
    assert service.held()[0]["allowed"] == {}


def test_a_block_denies_everything(service: Service) -> None:
    service.put({**document(), "blocks": ["overdue"]})
    assert service.held()[0]["allowed"] == {}


def test_all_targets_can_be_listed_page_by_page(service: Service) -> None:
    targets = [f"tgt_01jd3vq6n0e6rt1c7h9a2b4c{number:02d}" for number in range(5)]
    for target in targets:
        service.put(document(target=target))
    seen: list[str] = []
    after = ""
    while after is not None:
        _, page = service.get(f"/provisioning?limit=2&after={after}")
        seen += [row["target"] for row in page["data"]]
        assert page["data"][0].keys() == {"target", "generation", "hash"}
        after = page["next_after"]
    assert seen == targets


def test_people_see_what_is_held_and_nothing_runs_in_their_browser(service: Service) -> None:
    form = document(entitlements={"<b>rules": entry("<script>alert(1)</script>", type="string")})
    form["customer"]["key"] = "<i>ada"
    service.put(form)
    status, page = service.get("/")
    assert status == 200
    assert "&lt;i&gt;ada" in page
    assert "&lt;b&gt;rules" in page
    assert "<script>" not in page
    assert SECRET not in page
