"""``manage.py relay``: find and do all waiting work, broker or no broker.

Celery makes work happen sooner; this process makes sure that it happens. Each kind of work has a
thread of its own, so that a slow product service delays nobody else.
"""

import logging
import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from core import acting, relay

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Do waiting work until told to stop (SIGTERM or SIGINT)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is waiting, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            with acting.acting_as("system:relay"):
                relay.drain()
            return
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        threads = [
            threading.Thread(target=_run, args=(pump, stopping), name=pump.name)
            for pump in relay.installed()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _run(pump: relay.Pump, stopping: threading.Event) -> None:
    with acting.acting_as("system:relay"):
        while not stopping.is_set():
            try:
                done = pump.work()
            except Exception:
                logger.exception("the relay goes on after an error", extra={"pump": pump.name})
                connection.close()
                done = 0
            if not done:
                stopping.wait(pump.idle_seconds)
    connection.close()
