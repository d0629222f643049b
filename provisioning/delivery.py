"""Send what is due: claim, send outside any transaction, record.

One thread talks to the database and hands documents to senders, a few threads per product service
that only know the network. So a slow service keeps its own senders busy and nobody else's, and
whatever has come back in the meantime is recorded in one transaction.
"""

import logging
import queue
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from django.db import InterfaceError, OperationalError

from core import acting, clock
from core.outbound import OutboundClient
from provisioning.adapters import receiver
from provisioning.policy import operator_policy
from provisioning.services.claiming import LEASE, Claim, claim, services_with_work
from provisioning.services.recording import Sent, record

logger = logging.getLogger(__name__)

SENDERS = 8  # threads per service and process, each with a connection that is kept alive
IN_FLIGHT = 16  # claimed per service and process: what waits for a sender is sent in its lease
RECORDED_AT_ONCE = 100
CONNECT_SECONDS, READ_SECONDS, WALL_SECONDS = 3.0, 5.0, 15.0
WAIT_SECONDS = 0.25  # for answers, before looking for more work
LONGEST_DRAIN_SECONDS = 120.0  # of one task, well within Celery's limits
ACTOR = "system:provisioning"


class Senders:
    """The threads and kept-alive connections of one product service in this process."""

    def __init__(self, client: OutboundClient) -> None:
        self._client = client
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")

    def send(self, claim: Claim, *, send_by: float, done: Callable[[Sent | None], None]) -> None:
        """Send in a thread and hand over what came of it; None: it was too late to begin."""
        self._threads.submit(self._send, claim, send_by, done)

    def close(self) -> None:
        self._threads.shutdown()
        self._client.close()

    def _send(self, claim: Claim, send_by: float, done: Callable[[Sent | None], None]) -> None:
        done(None if time.monotonic() > send_by else receiver.send(self._client, claim))


@cache
def senders_of(service_id: str) -> Senders:
    """Return the process's senders for a product service, under the operator's policy."""
    return Senders(
        OutboundClient(
            operator_policy(),
            connect_seconds=CONNECT_SECONDS,
            read_seconds=READ_SECONDS,
            wall_seconds=WALL_SECONDS,
            max_connections=SENDERS,
        )
    )


SendersOf = Callable[[str], Senders]


class Dispatcher:
    """Deliveries under way. ``step`` is called again and again, always by one thread.

    ``service_id`` limits it to one product service. ``claimed`` counts what was ever claimed.
    """

    def __init__(
        self, *, service_id: str | None = None, senders_of: SendersOf = senders_of
    ) -> None:
        self.claimed = 0
        self._service_id = service_id
        self._senders_of = senders_of
        self._in_flight: Counter[str] = Counter()
        self._back: queue.SimpleQueue[tuple[str, Sent | None]] = queue.SimpleQueue()

    @property
    def in_flight(self) -> int:
        return self._in_flight.total()

    def step(self, *, limit: int | None = None, wait_seconds: float = WAIT_SECONDS) -> int:
        """Claim due targets, ``limit`` at most, and hand them to senders; wait for answers for a
        moment and record those that have come. Return how many were claimed or recorded."""
        now = clock.system_now()
        claimed = 0
        for service_id in services_with_work(now=now, service_id=self._service_id):
            room = IN_FLIGHT - self._in_flight[service_id]
            room = room if limit is None else min(room, limit - claimed)
            claimed += self._claim(service_id, room) if room > 0 else 0
        return claimed + self._record(wait_seconds)

    def _claim(self, service_id: str, room: int) -> int:
        # What is not sent in time leaves its target to others; the answer must come in time too.
        send_by = time.monotonic() + LEASE.total_seconds() - 2 * WALL_SECONDS
        claims = claim(service_id=service_id, limit=room, now=clock.system_now())
        self.claimed += len(claims)
        self._in_flight[service_id] += len(claims)
        for each in claims:
            self._senders_of(service_id).send(
                each, send_by=send_by, done=partial(self._come_back, service_id)
            )
        return len(claims)

    def _come_back(self, service_id: str, sent: Sent | None) -> None:
        self._back.put((service_id, sent))

    def _record(self, wait_seconds: float) -> int:
        back = 0
        sent_back: list[Sent] = []
        while self.in_flight and back < RECORDED_AT_ONCE:
            try:
                service_id, sent = self._back.get(timeout=wait_seconds if not back else 0)
            except queue.Empty:
                break
            back += 1
            self._in_flight[service_id] -= 1
            if sent is not None:
                sent_back.append(sent)
        _record_all(sent_back)
        return back


def _record_all(results: list[Sent]) -> None:
    """Record results together. One that cannot be recorded is found by splitting them, and left:
    its lease runs out and it is sent again, which does no harm."""
    if not results:
        return
    try:
        record(results=results, now=clock.system_now())
    except (OperationalError, InterfaceError):
        raise  # the database's trouble, not a target's
    except Exception:
        if len(results) == 1:
            target_id = results[0].claim.target_id
            logger.exception("a result cannot be recorded", extra={"target": target_id})
            return
        middle = len(results) // 2
        _record_all(results[:middle])
        _record_all(results[middle:])


def deliver_due(
    *,
    service_id: str | None = None,
    limit: int | None = None,
    senders_of: SendersOf = senders_of,
) -> int:
    """Send what is due now, of one product service or of all, until nothing is left, ``limit``
    documents were sent or two minutes have passed. Return how many were sent."""
    give_up_at = time.monotonic() + LONGEST_DRAIN_SECONDS
    dispatcher = Dispatcher(service_id=service_id, senders_of=senders_of)
    with acting.acting_as(ACTOR):
        while True:
            room = None if limit is None else limit - dispatcher.claimed
            if time.monotonic() > give_up_at:
                room = 0
            if not dispatcher.step(limit=room) and not dispatcher.in_flight:
                return dispatcher.claimed


def services_due() -> list[str]:
    """Return the product services that have something due and can be called."""
    return services_with_work(now=clock.system_now())


def work() -> int:
    """Do a bounded step of what is due: the relay's way. Return how much it was.

    What is under way stays under way between calls and counts, so that 0 means: nothing waits.
    """
    with acting.acting_as(ACTOR):
        dispatcher = _process_dispatcher()
        return dispatcher.step() + dispatcher.in_flight


@cache
def _process_dispatcher() -> Dispatcher:
    return Dispatcher()
