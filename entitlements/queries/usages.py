"""How much is used, for a check and whoever answers like one: one more prepared statement."""

from collections.abc import Sequence

from entitlements import connections
from entitlements.connections import Statement
from usage import queries as usage
from usage.counting import NOT_KNOWN, Kind, Tally, Usage
from usage.quantities import ZERO

_TEXTS = (connections.text, connections.text)
_STATEMENT = Statement("usage", usage.statement("$1"), _TEXTS)
_LEVEL = Statement("level", usage.LEVEL, _TEXTS)
_WINDOW = Statement("counter", usage.WINDOW, _TEXTS)


def usage_of(tallies: Sequence[Tally | None]) -> list[Usage]:
    """Return what the tallies come to, each in its place; what has none is not known.

    Nothing is asked where there is nothing to ask.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    wanted = [each for each in tallies if each is not None]
    if not wanted:
        return [NOT_KNOWN] * len(tallies)
    if len(tallies) == 1 and wanted[0].kind != Kind.SLIDING:
        return [_single(wanted[0])]
    rows = iter(connections.run(_STATEMENT, [usage.asked(wanted)]))
    return [NOT_KNOWN if each is None else usage.answered(*next(rows)) for each in tallies]


def _single(tally: Tally) -> Usage:
    if tally.kind == Kind.LEVEL:
        rows = connections.run(_LEVEL, [tally.owner.uuid, tally.name])
        return usage.answered(*rows[0]) if rows else NOT_KNOWN
    instants = [tally.window_start.isoformat(), tally.at.isoformat()]
    rows = connections.run(_WINDOW, [tally.owner.uuid, tally.name, *instants])
    return usage.answered(*rows[0]) if rows else Usage(ZERO)
