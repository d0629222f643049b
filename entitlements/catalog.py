"""The features, kept in the process and looked at again about once a second."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import Error, connection

from core import ids
from core.principals import Principal
from plans import queries
from plans.errors import FeatureNotFound
from plans.terms import FeatureTerms

FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """The catalog's features as they were at one look; ``until`` is when to look again."""

    by_key: Mapping[str, FeatureTerms]
    by_id: Mapping[str, FeatureTerms]
    until: float

    def find(self, reference: str, principal: Principal) -> FeatureTerms:
        """Return a feature by identifier or key, among those the caller may see.

        :raises FeatureNotFound: if there is none, or it is another product service's
        """
        known = self.by_id if ids.is_type_id(reference) else self.by_key
        found = known.get(reference)
        if found is None or not is_visible(found, principal):
            raise FeatureNotFound("there is no such feature")
        return found


_seen: Seen | None = None
_looking = threading.Lock()


def find(reference: str, principal: Principal) -> FeatureTerms:
    """Return a feature as ``Seen.find`` does; one that was made a moment ago is found too.

    :raises FeatureNotFound: if there is none, or it is another product service's
    """
    try:
        return _current().find(reference, principal)
    except FeatureNotFound:
        return look().find(reference, principal)


def look() -> Seen:
    """Look at the catalog now: one small query, more if it has changed."""
    global _seen
    by_key, seen = queries.features(), _seen
    if seen is not None and seen.by_key is by_key:
        by_id = seen.by_id
    else:
        by_id = {each.id: each for each in by_key.values()}
    _seen = seen = Seen(by_key, by_id, time.monotonic() + FRESH_SECONDS)
    return seen


def is_visible(feature: FeatureTerms, principal: Principal) -> bool:
    return principal.product_service in (None, feature.product_service)


def _current() -> Seen:
    """Return what was seen last. When it is old one thread looks again; the others do not wait.

    Inside a transaction only what it sees itself counts.
    """
    seen = _seen
    if seen is None or connection.in_atomic_block:
        return look()
    if time.monotonic() >= seen.until and _looking.acquire(blocking=False):
        try:
            return look()
        except Error:  # what was seen goes on to serve; the answer needs the database anyway
            return seen
        finally:
            _looking.release()
    return seen
