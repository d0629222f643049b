"""What must always hold of signing keys."""

from core.invariants import Invariant, rows


def _broken_succession() -> list[str]:
    return rows(
        """
        SELECT id FROM (
            SELECT id, not_after, lead(not_before) OVER (ORDER BY not_before) AS next_begins
            FROM identity_signingkey
        ) AS keys
        WHERE not_after IS DISTINCT FROM next_begins
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "signing_keys_follow_each_other",
        "From the first key on, exactly one signs at every instant.",
        _broken_succession,
    ),
)
