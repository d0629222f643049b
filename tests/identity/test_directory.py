"""What verifiers know, how fast they hear of news, and what they do without a database."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from core import acting, clock
from identity import services, tokens
from identity.directory import DirectoryKeeper, DirectoryUnavailable
from identity.models import DirectoryVersion
from identity.services import NewClientSecret
from identity.tokens import InvalidToken, Verifier
from tests.identity.callers import locked_table, make_client, token_for

pytestmark = pytest.mark.django_db(transaction=True)


class Stopwatch:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def made() -> NewClientSecret:
    return make_client()


@pytest.fixture
def token(made: NewClientSecret) -> str:
    return token_for(made.client)


def refuses(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except InvalidToken:
        return True
    return False


def seconds_until(condition: Callable[[], bool], *, at_most: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < at_most
        time.sleep(0.02)
    return time.monotonic() - started


def elsewhere(work: Callable[[], object]) -> None:
    """Run a command in another thread: another connection, as another process would."""

    def run() -> None:
        with acting.acting_as("system:test"):
            work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@contextmanager
def no_database() -> Iterator[None]:
    """Make every look at the directory fail in the database."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE identity_directoryversion RENAME TO away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO identity_directoryversion")


def take_back(token: str) -> Callable[[], None]:
    claims = tokens.claims_of(token)
    return lambda: services.revoke_token(claims=claims, now=clock.system_now())


@pytest.mark.parametrize("deed", ["one token", "all tokens", "client", "keys"])
def test_two_verifiers_hear_of_a_revocation_within_five_seconds(
    made: NewClientSecret, token: str, deed: str
) -> None:
    """Both hold the token in their caches and are asked all the time; neither is told."""
    first, second = Verifier(DirectoryKeeper()), Verifier(DirectoryKeeper())
    assert not refuses(first, token)
    assert not refuses(second, token)
    client_id, now = made.client.id, clock.system_now()
    deeds: dict[str, Callable[[], object]] = {
        "one token": take_back(token),
        "all tokens": lambda: services.revoke_all_tokens(client_id=client_id, now=now),
        "client": lambda: services.disable_client(client_id=client_id, now=now),
        "keys": lambda: services.replace_signing_keys(now=now),
    }
    elsewhere(deeds[deed])
    started = time.monotonic()
    for verifier in (first, second):
        seconds_until(lambda verifier=verifier: refuses(verifier, token), at_most=5)
    assert time.monotonic() - started < 2  # the aim is about one second


def test_a_verifier_that_was_idle_does_not_answer_from_old_knowledge(token: str) -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    assert not refuses(verifier, token)
    elsewhere(take_back(token))
    watch.seconds += 0.9
    assert not refuses(verifier, token)  # known to be fresh enough, so nothing is asked
    watch.seconds += 0.2
    assert refuses(verifier, token)


def test_the_process_that_made_a_change_knows_at_once(token: str) -> None:
    assert tokens.verify(token).kind == "client"
    take_back(token)()
    with pytest.raises(InvalidToken):
        tokens.verify(token)


def test_a_client_made_a_moment_ago_elsewhere_is_let_in(token: str) -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    assert not refuses(verifier, token)
    fresh = token_for(make_client().client)
    watch.seconds += 0.001
    assert not refuses(verifier, fresh)


def test_a_first_key_made_a_moment_ago_elsewhere_is_known() -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    assert refuses(verifier, "e.e." + "A" * 86)
    fresh = token_for(make_client().client)
    watch.seconds += 0.001
    assert not refuses(verifier, fresh)


def test_a_second_costs_one_small_query_and_a_change_four(
    token: str, django_assert_num_queries: Any
) -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    with django_assert_num_queries(4):  # the version; keys, clients, tokens taken back
        verifier.verify(token)
    with django_assert_num_queries(0):
        for _ in range(100):
            verifier.verify(token)
    watch.seconds += 1
    with django_assert_num_queries(1):
        for _ in range(100):
            verifier.verify(token)
    elsewhere(make_client)
    watch.seconds += 1
    with django_assert_num_queries(4):
        for _ in range(100):
            verifier.verify(token)


def test_every_writer_moves_the_directory_hand_written_sql_too(made: NewClientSecret) -> None:
    seen = {DirectoryVersion.objects.get().version}
    for statement in (
        "UPDATE identity_client SET name = 'x'",
        "DELETE FROM identity_revokedtoken",
        "DELETE FROM identity_signingkey",
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('billing.actor', 'system:test', false)")
            cursor.execute(statement)
        seen.add(DirectoryVersion.objects.get().version)
    assert len(seen) == 4


def test_without_a_database_the_known_go_on_for_fifteen_minutes(token: str) -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    verifier.verify(token)
    with no_database():
        for seconds in (2, 60, 600, 237):
            watch.seconds += seconds
            assert verifier.verify(token).kind == "client"
        assert watch.seconds == 1000 + 899
        watch.seconds += 2
        with pytest.raises(DirectoryUnavailable):
            verifier.verify(token)
        assert refuses(verifier, "nonsense")  # never mistaken for trouble of ours
    watch.seconds += 1
    assert not refuses(verifier, token)


def test_a_process_that_never_saw_the_database_knows_nobody(token: str) -> None:
    verifier = Verifier(DirectoryKeeper())
    with no_database():
        with pytest.raises(DirectoryUnavailable):
            verifier.verify(token)
        assert refuses(verifier, "nonsense")


def test_a_failing_database_is_asked_once_a_second(
    token: str, django_assert_num_queries: Any
) -> None:
    watch = Stopwatch()
    verifier = Verifier(DirectoryKeeper(watch))
    verifier.verify(token)
    with no_database():
        watch.seconds += 10
        with django_assert_num_queries(1):
            for _ in range(100):
                verifier.verify(token)


def test_one_thread_waits_for_a_hanging_database_and_the_others_go_on(token: str) -> None:
    verifier = Verifier(DirectoryKeeper())
    verifier.verify(token)
    time.sleep(1.1)

    def ask() -> float:
        started = time.monotonic()
        verifier.verify(token)
        took = time.monotonic() - started
        connection.close()
        return took

    with ThreadPoolExecutor(8) as pool:
        with locked_table("identity_directoryversion"):
            asked = [pool.submit(ask) for _ in range(8)]
            seconds_until(lambda: sum(each.done() for each in asked) == 7, at_most=2)
            time.sleep(0.3)
            assert sum(each.done() for each in asked) == 7
        took = sorted(each.result(timeout=5) for each in asked)
    assert took[-2] < 1
    assert took[-1] >= 0.3


def test_threads_that_start_together_read_the_directory_once(token: str) -> None:
    verifier = Verifier(DirectoryKeeper())
    start = threading.Barrier(8)

    def ask() -> str:
        start.wait()
        try:
            return verifier.verify(token).id
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask) for _ in range(8)]
        assert len({each.result(timeout=5) for each in asked}) == 1


def test_a_thread_outside_a_request_keeps_no_connection(token: str) -> None:
    verifier = Verifier(DirectoryKeeper())
    kept: list[bool] = []

    def ask() -> None:
        verifier.verify(token)
        kept.append(connection.connection is not None)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert kept == [False]


def test_what_is_remembered_is_bounded(made: NewClientSecret) -> None:
    verifier = Verifier(DirectoryKeeper(), capacity=10)
    issued = [token_for(made.client, ago=timedelta(seconds=each)) for each in range(30)]
    for token in issued * 2:
        verifier.verify(token)
    assert len(verifier) <= 10
