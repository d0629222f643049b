"""What a product service can do wrong, and what becomes of it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.models import Event
from core.principals import Scope
from provisioning import policy, signatures
from provisioning.models import Target
from tests.provisioning.behaviours import REFUSED, RETRIED
from tests.provisioning.conftest import (
    Behaviour,
    Given,
    MachineTime,
    Provisioning,
    SampleProcess,
    ScriptedHandler,
    answers,
    applies,
)
from tests.world import World


def _named(cases: list[tuple[str, Behaviour, str]]) -> Callable:
    return pytest.mark.parametrize(
        ("behaviour", "problem"),
        [(behaviour, problem) for _, behaviour, problem in cases],
        ids=[name for name, _, _ in cases],
    )


@_named(RETRIED)
def test_a_service_that_may_do_better_later_is_tried_again_and_recovers(
    world: World,
    provisioning: Provisioning,
    time: MachineTime,
    behaviour: Behaviour,
    problem: str,
) -> None:
    provisioning.read_seconds = provisioning.wall_seconds = 0.5
    edge = provisioning.scripted(behaviour)
    provisioning.configure(edge)
    shop = world.zone(world.customer())

    assert provisioning.deliver(limit=1) == 1
    target = provisioning.target(shop)
    assert (target.problem, target.applied_generation, target.attempts) == (problem, 0, 1)
    assert target.dead_lettered_at is None
    assert target.next_attempt_at is not None
    assert target.next_attempt_at <= time() + timedelta(seconds=1)
    status = world.get(f"customers/{target.customer_id}/provisioning")["data"][0]["status"]
    assert status == "pending"

    edge.behave = applies
    provisioning.read_seconds = provisioning.wall_seconds = 5
    time.passes(seconds=2)
    provisioning.deliver()
    assert provisioning.target(shop).applied_generation == 1
    assert provisioning.target(shop).problem == ""


@_named(REFUSED)
def test_a_document_that_cannot_be_applied_is_given_up_after_three_tries(
    world: World,
    provisioning: Provisioning,
    time: MachineTime,
    behaviour: Behaviour,
    problem: str,
) -> None:
    edge = provisioning.scripted(behaviour)
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    for _ in range(5):
        provisioning.deliver()
        time.passes(seconds=5)

    target = provisioning.target(shop)
    assert len(edge.given) == 3
    assert target.dead_lettered_at is not None
    assert target.next_attempt_at is None
    assert target.problem == problem
    (told,) = Event.objects.filter(type="target.failed")
    assert told.data == {
        "target": target.id,
        "service": "edge",
        "generation": 1,
        "problem": problem,
    }
    (seen,) = world.get(f"customers/{target.customer_id}/provisioning")["data"]
    assert seen["status"] == "failed"
    assert problem not in seen["message"]


def test_a_dead_letter_is_revived_by_the_next_change(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(422))
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    for _ in range(3):
        provisioning.deliver()
        time.passes(seconds=5)
    assert provisioning.target(shop).dead_lettered_at is not None

    edge.behave = applies
    world.change(shop, "pro")
    assert provisioning.deliver() == 1
    target = provisioning.target(shop)
    assert (target.applied_generation, target.dead_lettered_at) == (2, None)


def test_dead_letters_are_tried_again_when_an_operator_says_so(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(422))
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    for _ in range(3):
        provisioning.deliver()
        time.passes(seconds=5)

    edge.behave = applies
    assert world.post("product-services/edge/retry")["resource"] == {"targets": 1}
    assert provisioning.deliver() == 1
    assert provisioning.target(shop).applied_generation == 1


def test_a_target_is_given_up_after_fourteen_days_of_failures(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(503))
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    provisioning.deliver()
    time.passes(days=13, hours=23)
    provisioning.deliver()
    target = provisioning.target(shop)
    assert target.dead_lettered_at is None
    assert target.next_attempt_at is not None
    assert target.next_attempt_at <= time() + timedelta(hours=1)

    time.passes(hours=2)
    provisioning.deliver()
    assert provisioning.target(shop).dead_lettered_at is not None
    assert len(edge.given) == 3


def test_retry_after_is_honoured(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(429, Retry_After="120"))
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    before = time()
    provisioning.deliver()
    assert provisioning.target(shop).next_attempt_at >= before + timedelta(seconds=120)

    edge.behave = applies
    time.passes(seconds=110)
    assert provisioning.deliver() == 0
    time.passes(seconds=15)
    assert provisioning.deliver() == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_does_not_let_us_in_is_paused_with_one_alert(
    world: World, provisioning: Provisioning, time: MachineTime, status: int
) -> None:
    edge = provisioning.scripted(answers(status))
    provisioning.configure(edge)
    ada = world.customer()
    zones = [world.zone(ada, key=f"zone-{number}") for number in range(5)]
    provisioning.deliver()

    seen = world.get("product-services/edge")
    assert (seen["status"], seen["stopped_because"]) == ("paused", f"answer_{status}")
    (told,) = Event.objects.filter(type="service.paused")
    assert (told.customer_id, told.data) == (
        None,
        {"service": "edge", "problem": f"answer_{status}"},
    )
    tried = len(edge.given)
    time.passes(days=20)  # a pause is no failure of the documents
    assert provisioning.deliver() == 0
    assert len(edge.given) == tried

    edge.behave = applies
    world.token = world.token_for(list(Scope))
    assert world.post("product-services/edge/resume")["resource"]["status"] == "live"
    assert provisioning.deliver() == 5
    assert [provisioning.target(zone).applied_generation for zone in zones] == [1] * 5


def test_a_service_that_is_gone_is_disabled_even_if_its_answer_never_ends(
    world: World, provisioning: Provisioning
) -> None:
    def gone(handler: ScriptedHandler, given: Given) -> None:
        handler.send_response(410)
        handler.end_headers()
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"x" * 65_536)

    provisioning.configure(provisioning.scripted(gone))
    world.zone(world.customer())
    provisioning.deliver()
    seen = world.get("product-services/edge")
    assert (seen["status"], seen["stopped_because"]) == ("disabled", "answer_410")
    assert Event.objects.filter(type="service.disabled").count() == 1
    assert provisioning.deliver() == 0


def test_a_service_that_holds_a_later_generation_is_overtaken(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    """We were restored from a backup: the service has seen generations that we know nothing of."""
    held = 7

    def keeps_seven(handler: ScriptedHandler, given: Given) -> None:
        if given.document["generation"] <= held:
            handler.reply(409, {"generation": held})
        else:
            handler.apply(given)

    edge = provisioning.scripted(keeps_seven)
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    provisioning.deliver()
    time.passes(seconds=5)
    provisioning.deliver()

    target = provisioning.target(shop)
    assert edge.generations == [1, 8]
    assert (target.desired_generation, target.applied_generation, target.ahead_of) == (8, 8, 7)
    assert edge.given[0].document["hash"] == edge.given[1].document["hash"]
    (told,) = Event.objects.filter(type="target.ahead")
    assert told.data == {"target": target.id, "service": "edge", "generation": 8, "held": 7}

    world.change(shop, "pro")
    provisioning.deliver()
    assert edge.generations == [1, 8, 9]


def test_a_service_that_always_claims_to_be_ahead_is_not_sent_to_without_pause(
    world: World, provisioning: Provisioning
) -> None:
    def claims(handler: ScriptedHandler, given: Given) -> None:
        handler.reply(409, {"generation": given.document["generation"]})

    edge = provisioning.scripted(claims)
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    provisioning.deliver(limit=30)
    target = provisioning.target(shop)
    assert target.attempts == len(edge.given)
    assert len(edge.given) < 15  # it waits longer and longer
    assert target.desired_generation == len(edge.given) + 1


def test_a_service_that_was_killed_holds_what_was_decided_meanwhile_when_it_is_back(
    world: World, provisioning: Provisioning, time: MachineTime, tmp_path: Path
) -> None:
    edge = SampleProcess(tmp_path / "edge.json")
    provisioning.cleanup.callback(edge.kill)
    provisioning.configure(edge)
    ada = world.customer()
    zones = [world.zone(ada, key=f"zone-{number}") for number in range(3)]
    provisioning.deliver()
    edge.kill()
    world.change(zones[0], "pro")
    provisioning.deliver(limit=1)
    assert provisioning.target(zones[0]).problem in ("connect_failed", "protocol_error")

    edge.start()
    time.passes(seconds=5)
    provisioning.deliver()
    held = {each["subject"]["id"]: each for each in edge.held()}
    assert {zone: held[zone]["generation"] for zone in zones} == dict(
        zip(zones, [2, 1, 1], strict=True)
    )
    assert held[zones[0]]["allowed"] == {"rules": 20}


def test_a_service_whose_address_is_no_longer_allowed_is_not_called(
    world: World, provisioning: Provisioning, settings: Any
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    settings.PRODUCT_SERVICE_NETWORKS = []
    policy.operator_policy.cache_clear()
    shop = world.zone(world.customer())
    provisioning.deliver(limit=1)
    assert edge.given == []
    assert provisioning.target(shop).problem == "destination_refused"


def test_answers_are_kept_escaped_and_cut(world: World, provisioning: Provisioning) -> None:
    nasty = b"\x00\xff<script>\x1b[31m" + b"a" * 5000
    provisioning.configure(provisioning.scripted(answers(422, nasty)))
    shop = world.zone(world.customer())
    provisioning.deliver(limit=1)
    (attempt,) = provisioning.attempts(provisioning.target(shop))
    assert attempt.answer.startswith("\\x00\\xff<script>\\x1b[31maaa")
    assert len(attempt.answer) == 2001


def test_a_defect_while_sending_one_target_does_not_stop_the_others(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = signatures.headers
    failed = threading.Event()

    def fails_once(**given: Any) -> dict[str, str]:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("a defect")
        return whole(**given)

    monkeypatch.setattr(signatures, "headers", fails_once)
    edge = provisioning.scripted()
    provisioning.configure(edge)
    ada = world.customer()
    for number in range(3):
        world.zone(ada, key=f"zone-{number}")
    provisioning.deliver(limit=3)
    assert len(edge.given) == 2
    assert Target.objects.get(problem="internal_error").attempts == 1
