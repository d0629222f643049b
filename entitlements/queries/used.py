"""How much is used, for a check and whoever answers like one: one more prepared statement."""

from collections.abc import Sequence
from decimal import Decimal

from entitlements import connections
from entitlements.connections import Statement
from usage import queries as usage
from usage.counting import Tally

_STATEMENT = Statement("used", usage.statement("$1"), (connections.text,))


def used(tallies: Sequence[Tally | None]) -> list[Decimal | None]:
    """Return the sums, each in its place; None where there is no tally, or nobody has told.

    Nothing is asked where there is nothing to ask.

    :raises EntitlementsUnavailable: if the database does not answer in time
    """
    wanted = [each for each in tallies if each is not None]
    if not wanted:
        return [None] * len(tallies)
    rows = iter(connections.run(_STATEMENT, [usage.asked(wanted)]))
    return [None if each is None else usage.number(next(rows)[0]) for each in tallies]
