"""What this process knows of the catalog, for as long as the catalog does not change.

Every change of the catalog replaces a token (``plans.services.writing``). Whoever reads the catalog
reads the token first, one row by its key, and what was kept under another token is forgotten.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from core import transactions
from core.transactions import known
from plans import loading
from plans.models import CatalogRevision
from plans.terms import AddOnTerms, FeatureTerms, Terms

MOST_TERMS = 10_000
MOST_READS = 10_000
T = TypeVar("T")


class Kept(Generic[T]):
    """The terms of the versions that were asked for most recently."""

    def __init__(self, load: Callable[[Sequence[str]], Mapping[str, T]]) -> None:
        self._load = load
        self._terms: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, version_ids: Iterable[str]) -> dict[str, T]:
        """Return terms, reading what is not known; what is not there is left out."""
        wanted = set(version_ids)
        found = self.known(wanted)
        missing = sorted(wanted - found.keys())
        if not missing:
            return found
        loaded = self._load(missing)
        self._keep(loaded)
        return {**found, **loaded}

    def known(self, version_ids: Iterable[str]) -> dict[str, T]:
        """Return those that need not be read."""
        with self._lock:
            found = {each: self._terms[each] for each in version_ids if each in self._terms}
            for each in found:
                self._terms.move_to_end(each)
        return found

    def _keep(self, terms: Mapping[str, T]) -> None:
        """Remember terms; beyond the bound, forget those not asked for the longest."""
        with self._lock:
            self._terms.update(terms)
            while len(self._terms) > MOST_TERMS:
                self._terms.popitem(last=False)


class Known:
    """All features, and terms of plans and add-ons, as of one state of the catalog."""

    def __init__(self, token: UUID | None, features: Mapping[str, FeatureTerms]) -> None:
        self.token = token
        self.features = features
        self.plans: Kept[Terms] = Kept(loading.load_terms)
        self.add_ons: Kept[AddOnTerms] = Kept(loading.load_add_on_terms)
        self.reads: OrderedDict[Hashable, Any] = OrderedDict()


_known: Known | None = None
_reading = threading.Lock()
_REVISION = "plans.revision"  # what a unit of work knows it by


def current() -> Known:
    """Return what is known of the catalog as this transaction sees it.

    A catalog that was never written through the services has no token and is not kept.
    """
    global _known
    token = known(_REVISION, _token)
    found = _known
    if found is None or token is None or found.token != token:
        found = Known(token, loading.load_features())
        _known = found
    return found


def remembered(name: Hashable, read: Callable[[], T | None]) -> T | None:
    """Return a read of the catalog that is done once as long as the catalog does not change.

    What is not there is asked for each time, so that nobody fills the memory with what they invent.
    Rows are shared by all threads and must not be changed.
    """
    memory = current().reads
    with _reading:
        if name in memory:
            memory.move_to_end(name)
            found: T = memory[name]
            return found
    read_now = read()
    if read_now is not None:
        with _reading:
            memory[name] = read_now
            while len(memory) > MOST_READS:
                memory.popitem(last=False)
    return read_now


def forget() -> None:
    """The catalog has just been changed, in this transaction."""
    transactions.forget(_REVISION)


def _token() -> UUID | None:
    return CatalogRevision.objects.values_list("token", flat=True).first()
