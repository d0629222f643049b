"""How much is used, for a check and whoever answers like one: one more prepared statement."""

from collections.abc import Sequence

from entitlements import connections
from entitlements.connections import Statement
from usage import queries as usage
from usage.counting import NOT_KNOWN, Tally, Usage

_STATEMENT = Statement("usage", usage.statement("$1"), (connections.text, connections.text))


def usage_of(tallies: Sequence[Tally | None]) -> list[Usage]:
    """Return what the tallies come to, each in its place; what has none is not known.

    Nothing is asked where there is nothing to ask.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    wanted = [each for each in tallies if each is not None]
    if not wanted:
        return [NOT_KNOWN] * len(tallies)
    rows = iter(connections.run(_STATEMENT, [usage.asked(wanted)]))
    return [NOT_KNOWN if each is None else usage.answered(*next(rows)) for each in tallies]
