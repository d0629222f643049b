"""What must always hold of change sets."""

from core.invariants import Invariant, rows


def _done_with_waiting_items() -> list[str]:
    return rows(
        """
        SELECT DISTINCT s.id FROM changes_changeset s
        JOIN changes_changesetitem i ON i.change_set_id = s.id
        WHERE (s.state IN ('applied', 'partly_applied', 'discarded', 'expired')
                AND i.state IN ('pending', 'previewed'))
            OR (s.state NOT IN ('computing', 'discarded', 'expired') AND i.state = 'pending')
        """
    )


def _applied_without_all_items() -> list[str]:
    return rows(
        """
        SELECT s.id FROM changes_changeset s WHERE s.state = 'applied' AND EXISTS (
            SELECT FROM changes_changesetitem i
            WHERE i.change_set_id = s.id AND i.state NOT IN ('applied', 'undone'))
        """
    )


def _applied_before_it_was_begun() -> list[str]:
    return rows(
        """
        SELECT i.id FROM changes_changesetitem i JOIN changes_changeset s ON s.id = i.change_set_id
        WHERE i.state IN ('applied', 'undone')
            AND s.state NOT IN ('applying', 'paused', 'applied', 'partly_applied')
        """
    )


def _all_or_nothing_in_part() -> list[str]:
    return rows(
        """
        SELECT s.id FROM changes_changeset s JOIN changes_changesetitem i ON i.change_set_id = s.id
        WHERE s.all_or_nothing GROUP BY s.id
        HAVING bool_or(i.state IN ('applied', 'undone'))
            AND bool_or(i.state IN ('previewed', 'stale', 'skipped'))
        """
    )


def _undone_by_nothing() -> list[str]:
    """An item is undone exactly if an item that undoes it was applied, and only one was."""
    return rows(
        """
        SELECT i.id FROM changes_changesetitem i
        LEFT JOIN changes_changesetitem u
            ON u.undoes_id = i.id AND u.state IN ('applied', 'undone')
        GROUP BY i.id HAVING (i.state = 'undone') <> (count(u.id) > 0) OR count(u.id) > 1
        """
    )


def _of_another_customer() -> list[str]:
    return rows(
        """
        SELECT i.id FROM changes_changesetitem i JOIN changes_changeset s ON s.id = i.change_set_id
        LEFT JOIN subscriptions_subscription b ON b.id = i.subscription_id
        WHERE b.customer_id <> i.customer_id OR s.customer_id <> i.customer_id
        """
    )


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "done_change_sets_have_no_item_waiting",
        "No item waits in a change set that is done, nor for its preview in one that is ready.",
        _done_with_waiting_items,
    ),
    Invariant(
        "applied_change_sets_are_applied_whole",
        "Every item of a change set that is applied was applied.",
        _applied_without_all_items,
    ),
    Invariant(
        "only_what_was_begun_is_applied",
        "Items were applied only in change sets that somebody approved and began.",
        _applied_before_it_was_begun,
    ),
    Invariant(
        "all_or_nothing_is_all_or_nothing",
        "Of such a change set all previewed items were applied, or none.",
        _all_or_nothing_in_part,
    ),
    Invariant(
        "undone_items_were_undone_once",
        "What is undone was undone by one item of another change set.",
        _undone_by_nothing,
    ),
    Invariant(
        "items_are_of_their_customer",
        "An item's subscription, and a change set of one, belong to the item's customer.",
        _of_another_customer,
    ),
)
