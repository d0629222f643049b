"""One writer of the catalog at a time, and every cache is told."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

from core import clock
from plans import cache
from plans.models import CatalogRevision

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('plans.catalog'))"


@contextmanager
def catalog_turn() -> Iterator[datetime]:
    """Take the catalog's turn until the transaction ends; yield the machine's whole second.

    The token changes before the block and after it: what somebody reads and keeps in between is
    kept under a token that no other transaction ever sees.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    _change_token()
    yield clock.whole_second(clock.system_now())
    _change_token()


def _change_token() -> None:
    CatalogRevision.objects.update_or_create(id=1, defaults={"token": uuid.uuid4()})
    cache.forget()
