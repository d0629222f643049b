"""From a change to a product service that has it: through the API, the network and back."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.models import Event
from provisioning import delivery, services
from provisioning.adapters import receiver
from provisioning.models import Attempt, Target
from provisioning.outcomes import Applied, Gone, LockedOut
from provisioning.services import claiming, recording
from provisioning.services.claiming import LEASE, claim
from provisioning.services.recording import Sent, record
from tests.provisioning.conftest import (
    OTHER_SECRET,
    SECRET,
    Given,
    MachineTime,
    Provisioning,
    ScriptedHandler,
    answers,
    applies,
)
from tests.racing import start, together
from tests.world import World


def test_a_change_is_held_by_the_service_with_its_hash(
    world: World, provisioning: Provisioning
) -> None:
    edge = provisioning.sample()
    provisioning.configure(edge)
    ada = world.customer("ada")
    shop = world.zone(ada, key="shop.example")

    assert provisioning.deliver() == 1
    world.change(shop, "pro")
    assert provisioning.deliver() == 1

    target = provisioning.target(shop)
    (held,) = edge.store.all()
    assert held.form == {
        "target": target.id,
        "service": "edge",
        "customer": {"id": ada, "key": "ada"},
        "subject": {"id": shop, "key": "shop.example", "kind": "zone"},
        "generation": 2,
        "state": "active",
        "delete_after": None,
        "entitlements": {"rules": {"type": "limit", "value": 20, "until": None, "trim": False}},
        "blocks": [],
        "hash": target.desired_hash,
    }
    assert (target.applied_generation, target.applied_hash) == (2, target.desired_hash)
    assert target.applied_content == target.desired_content
    assert (target.next_attempt_at, target.lease_until, target.attempts) == (None, None, 0)
    assert [each.generation for each in provisioning.attempts(target)] == [1, 2]
    assert {each.outcome for each in provisioning.attempts(target)} == {"applied"}


def test_what_is_applied_is_told_as_an_event_of_the_customer(
    world: World, provisioning: Provisioning
) -> None:
    provisioning.configure(provisioning.sample())
    ada = world.customer()
    shop = world.zone(ada)
    provisioning.deliver()

    told = Event.objects.get(type="target.applied")
    target = provisioning.target(shop)
    assert (told.customer_id, told.subject_id, told.actor) == (ada, shop, "system:provisioning")
    assert told.data == {
        "target": target.id,
        "service": "edge",
        "generation": 1,
        "hash": target.desired_hash,
    }
    assert world.events(ada)[-1] == "target.applied"


def test_after_ten_changes_while_the_service_was_down_only_the_newest_is_sent(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.scripted(answers(503))
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    provisioning.deliver()
    edge.given.clear()
    for plan in ["pro", "business"] * 5:
        world.post(
            f"subscriptions/{world.subscription(shop)['id']}/change", plan=plan, timing="now"
        )

    edge.behave = applies
    assert provisioning.deliver() == 1
    assert edge.generations == [11]
    assert edge.given[0].document["entitlements"]["rules"]["value"] == 100
    assert provisioning.target(shop).applied_generation == 11


def test_a_change_during_a_delivery_is_sent_after_it(
    world: World, provisioning: Provisioning
) -> None:
    shop: list[str] = []

    def change_then_apply(handler: ScriptedHandler, given: Given) -> None:
        if given.document["generation"] == 1:
            world.change(shop[0], "pro")
        handler.apply(given)

    edge = provisioning.scripted(change_then_apply)
    provisioning.configure(edge)
    shop.append(world.zone(world.customer()))
    assert provisioning.deliver() == 2
    assert edge.generations == [1, 2]
    target = provisioning.target(shop[0])
    assert (target.applied_generation, target.desired_generation) == (2, 2)


def test_documents_are_signed_with_both_live_secrets_so_that_they_can_be_exchanged(
    world: World, provisioning: Provisioning
) -> None:
    edge = provisioning.sample(secrets=(SECRET,))
    provisioning.configure(edge)
    ada = world.customer()
    world.zone(ada, key="one")
    provisioning.deliver()

    # both are live: the service may know the old one or the new one
    world.post("product-services/edge/secrets", status=201, secret=OTHER_SECRET)
    world.zone(ada, key="two")
    provisioning.deliver()
    edge.secrets = (OTHER_SECRET,)
    world.zone(ada, key="three")
    provisioning.deliver()

    # the old one goes
    old, new = world.get("product-services/edge")["secrets"]
    world.delete(f"product-services/edge/secrets/{old['id']}", status=204)
    world.zone(ada, key="four")
    provisioning.deliver()
    assert len(edge.store.all()) == 4
    assert [each["id"] for each in world.get("product-services/edge")["secrets"]] == [new["id"]]


def test_without_a_secret_nothing_is_sent(world: World, provisioning: Provisioning) -> None:
    edge = provisioning.sample()
    provisioning.configure(edge)
    (secret,) = world.get("product-services/edge")["secrets"]
    world.delete(f"product-services/edge/secrets/{secret['id']}", status=204)
    shop = world.zone(world.customer())
    assert provisioning.deliver() == 0
    assert provisioning.target(shop).attempts == 0

    world.post("product-services/edge/secrets", status=201, secret=SECRET)
    assert provisioning.deliver() == 1


def test_repeats_and_late_old_documents_change_nothing_at_the_service(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    edge = provisioning.sample()
    service_id = provisioning.configure(edge)
    shop = world.zone(world.customer())
    (late,) = claim(service_id=service_id, limit=1, now=datetime.now(UTC))
    world.change(shop, "pro")
    time.passes(seconds=LEASE.total_seconds() + 1)
    provisioning.deliver()
    (held,) = edge.store.all()

    senders = provisioning.senders_of(service_id)
    sent = receiver.send(senders._client, late)
    assert type(sent.outcome).__name__ == "Stale"
    assert sent.status == 409
    assert edge.store.all() == [held]
    # and what the late worker has to say no longer counts
    assert record(results=[sent], now=datetime.now(UTC)) == 0
    assert provisioning.target(shop).ahead_of is None


def test_a_target_whose_worker_died_is_sent_by_another_one_after_its_lease(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    service_id = provisioning.configure(provisioning.sample())
    shop = world.zone(world.customer())
    claim(service_id=service_id, limit=1, now=time())  # and the worker is killed

    assert provisioning.deliver() == 0
    time.passes(seconds=LEASE.total_seconds() - 1)
    assert provisioning.deliver() == 0
    time.passes(seconds=2)
    assert provisioning.deliver() == 1

    target = provisioning.target(shop)
    assert target.applied_generation == 1
    assert [each.outcome for each in provisioning.attempts(target)] == ["lost", "applied"]
    assert provisioning.deliver() == 0


def test_a_try_that_is_under_way_is_not_lost_when_a_newer_document_is_due(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    service_id = provisioning.configure(provisioning.sample())
    shop = world.zone(world.customer())
    (claimed,) = claim(service_id=service_id, limit=1, now=time())
    world.change(shop, "pro")
    assert claim(service_id=service_id, limit=1, now=time()) == []  # it is leased
    record(results=[Sent(claimed, Applied(), 200, 1, "")], now=time())
    assert provisioning.deliver() == 1
    outcomes = [each.outcome for each in provisioning.attempts(provisioning.target(shop))]
    assert outcomes == ["applied", "applied"]


@pytest.mark.parametrize("wakes", ["before the other has finished", "afterwards"])
def test_a_stalled_worker_that_wakes_after_its_lease_writes_nothing(
    world: World, provisioning: Provisioning, time: MachineTime, wakes: str
) -> None:
    service_id = provisioning.configure(provisioning.scripted(answers(422, {"title": "no"})))
    shop = world.zone(world.customer())
    (stalled,) = claim(service_id=service_id, limit=1, now=time())
    time.passes(seconds=LEASE.total_seconds() + 1)
    (other,) = claim(service_id=service_id, limit=1, now=time())
    assert other.fencing_token == stalled.fencing_token + 1
    if wakes == "afterwards":
        provisioning_result = Sent(other, Applied(), 200, 1, "")
        assert record(results=[provisioning_result], now=time()) == 1
    before = Target.objects.filter(subject_id=shop).values().get()

    assert Attempt.objects.get(pk=stalled.attempt_id).outcome == "lost"
    for late in (LockedOut("answer_401"), Gone("answer_410"), Applied()):
        assert record(results=[Sent(stalled, late, 200, 1, "late")], now=time()) == 0
        assert provisioning.configuration().status == "live"
    assert Target.objects.filter(subject_id=shop).values().get() == before
    kept = Attempt.objects.get(pk=stalled.attempt_id)
    assert (kept.outcome, kept.answer) == ("applied", "late")


def test_two_workers_at_once_send_every_target_once(
    world: World, provisioning: Provisioning
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    ada = world.customer()
    world.post(
        f"customers/{ada}/subjects/bulk",
        status=201,
        subjects=[{"key": f"zone-{number}", "kind": "zone"} for number in range(40)],
    )
    first, second = together(lambda: provisioning.deliver(), lambda: provisioning.deliver())
    assert first + second == 40
    assert len({each.path for each in edge.given}) == len(edge.given) == 40
    assert not Target.objects.lagging().exists()


def test_a_dead_service_delays_no_other(world: World, provisioning: Provisioning) -> None:
    released = threading.Event()

    def hang(handler: ScriptedHandler, given: Given) -> None:
        released.wait(10)
        handler.apply(given)

    provisioning.configure(provisioning.scripted(hang), "edge")
    applied = threading.Event()

    def apply(handler: ScriptedHandler, given: Given) -> None:
        handler.apply(given)
        applied.set()

    provisioning.configure(provisioning.scripted(apply), "desk")
    ada = world.customer()
    for number in range(30):  # more than one process sends at once to one service
        world.zone(ada, key=f"zone-{number}")
    world.post("subscriptions", status=201, customer=ada, plan="pack")

    delivering = start(lambda: provisioning.deliver(limit=17))
    assert applied.wait(2), "the sound service waits for the dead one"
    assert not released.is_set()
    released.set()
    delivering.result(20)


def test_the_relay_alone_delivers_everything(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = delivery.Dispatcher(senders_of=provisioning.senders_of)
    monkeypatch.setattr(delivery, "_process_dispatcher", lambda: dispatcher)
    edge = provisioning.sample()
    provisioning.configure(edge)
    ada = world.customer()
    for number in range(20):
        world.zone(ada, key=f"zone-{number}")
    while delivery.work():
        pass
    assert len(edge.store.all()) == 20
    assert not Target.objects.lagging().exists()


def test_a_resync_sends_again_what_the_service_is_thought_to_hold(
    world: World, provisioning: Provisioning
) -> None:
    edge = provisioning.scripted()
    provisioning.configure(edge)
    shop = world.zone(world.customer())
    provisioning.deliver()
    assert provisioning.deliver() == 0

    target = provisioning.target(shop)
    answer = world.post(f"provisioning/targets/{target.id}/resync")
    assert answer["resource"]["generation"] == 1
    assert provisioning.deliver() == 1
    assert world.post("product-services/edge/resync")["resource"] == {"targets": 1}
    assert provisioning.deliver() == 1
    assert edge.generations == [1, 1, 1]
    assert Event.objects.filter(type="target.applied").count() == 1


def test_attempts_are_forgotten_after_thirty_days(
    world: World, provisioning: Provisioning, time: MachineTime
) -> None:
    provisioning.configure(provisioning.sample())
    shop = world.zone(world.customer())
    provisioning.deliver()
    now = time()
    assert services.clean_up(now=now + timedelta(days=29)) == 0
    assert services.clean_up(now=now + timedelta(days=31)) == 1
    assert provisioning.attempts(provisioning.target(shop)) == []


def test_no_more_targets_of_a_service_are_under_way_than_it_has_slots_for(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claiming, "SLOTS", 3)
    service_id = provisioning.configure(provisioning.sample())
    ada = world.customer()
    for number in range(5):
        world.zone(ada, key=f"zone-{number}")
    now = datetime.now(UTC)
    assert len(claim(service_id=service_id, limit=2, now=now)) == 2
    assert len(claim(service_id=service_id, limit=2, now=now)) == 1
    assert claim(service_id=service_id, limit=2, now=now) == []
    later = now + LEASE + timedelta(seconds=1)
    assert len(claim(service_id=service_id, limit=9, now=later)) == 3


def test_a_service_whose_secret_cannot_be_read_is_paused_and_hinders_no_other(
    world: World, provisioning: Provisioning, settings: Any
) -> None:
    provisioning.configure(provisioning.sample(), "edge")
    settings.SECRET_KEY = "another one, after the first was lost"
    provisioning.configure(provisioning.sample(), "desk")
    ada = world.customer()
    shop = world.zone(ada)
    world.post("subscriptions", status=201, customer=ada, plan="pack")
    assert provisioning.deliver() == 1
    assert provisioning.configuration("edge").stopped_because == "secret_unreadable"
    assert Event.objects.get(type="service.paused").data["service"] == "edge"
    assert provisioning.target(shop).attempts == 0
    assert not provisioning.target(ada, "desk").is_lagging


def test_a_result_that_cannot_be_recorded_takes_no_other_with_it(
    world: World, provisioning: Provisioning, monkeypatch: pytest.MonkeyPatch
) -> None:
    provisioning.configure(provisioning.scripted())
    ada = world.customer()
    zones = [world.zone(ada, key=f"zone-{number}") for number in range(5)]
    poison = provisioning.target(zones[3]).id
    settle = recording._settle

    def fails_for_one(target: Target, sent: Sent, now: datetime) -> Any:
        if target.id == poison:
            raise ValueError("poison")
        return settle(target, sent, now)

    with monkeypatch.context() as broken:
        broken.setattr(recording, "_settle", fails_for_one)
        provisioning.deliver()
    assert [provisioning.target(zone).is_lagging for zone in zones] == [
        False,
        False,
        False,
        True,
        False,
    ]
