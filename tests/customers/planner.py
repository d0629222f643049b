"""Due work as an app would offer it, on rows of a table that exists for the test only."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from django.db import connection

from core import ids
from core.events import EventType, Fact, publish
from core.models import Event
from core.transactions import command
from customers.turns import turn

DONE = EventType("plan.done", "A planned piece of work was done.", {"work": "name of the planner"})


def at(text: str) -> datetime:
    """``03-01 12:00`` is that instant of 2026, UTC."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


class Planner:
    """Remembers instants for customers and marks each as done when it is due."""

    def __init__(self, name: str = "work") -> None:
        self.name = name
        self.failing: dict[str, Exception] = {}
        self.meanwhile: Callable[[Mapping[str, datetime]], object] = lambda due: None
        self.forgets = False  # a defect: runs, and leaves its work due

    def open(self) -> None:
        _sql(
            "CREATE TABLE IF NOT EXISTS test_plan (id bigserial, work text, customer_id uuid,"
            " due_at timestamptz, done_at timestamptz, done_in xid8)"
        )

    def close(self) -> None:
        _sql("DROP TABLE IF EXISTS test_plan")

    @command
    def plan(self, customer_id: str, *instants: datetime) -> None:
        """A command like any other: in the customer's turn."""
        with turn(customer_id):
            self.add(customer_id, *instants)

    def add(self, customer_id: str, *instants: datetime) -> None:
        _sql(
            "INSERT INTO test_plan (work, customer_id, due_at)"
            " SELECT %s, %s, unnest(%s::timestamptz[])",
            self.name,
            ids.decode(customer_id, prefix="cus"),
            list(instants),
        )

    def next_due_at(self, customer_ids: Sequence[str]) -> dict[str, datetime]:
        rows = _sql(
            "SELECT customer_id, min(due_at) FROM test_plan"
            " WHERE work = %s AND done_at IS NULL AND customer_id = ANY(%s) GROUP BY customer_id",
            self.name,
            [ids.decode(each, prefix="cus") for each in customer_ids],
        )
        return {ids.encode("cus", customer_id): due_at for customer_id, due_at in rows}

    def run_due(self, due: Mapping[str, datetime]) -> None:
        if self.forgets:
            return
        rows = _sql(
            "UPDATE test_plan SET done_at = due.at, done_in = pg_current_xact_id()"
            " FROM unnest(%s::uuid[], %s::timestamptz[]) AS due(customer_id, at)"
            " WHERE test_plan.customer_id = due.customer_id AND work = %s"
            " AND done_at IS NULL AND due_at <= due.at RETURNING due.customer_id, due.at",
            [ids.decode(each, prefix="cus") for each in due],
            list(due.values()),
            self.name,
        )
        done = [(ids.encode("cus", customer_id), instant) for customer_id, instant in rows]
        publish(
            [
                Fact(DONE, at=instant, customer_id=customer_id, data={"work": self.name})
                for customer_id, instant in sorted(done)
            ]
        )
        self.meanwhile(due)
        for customer_id in due:
            if customer_id in self.failing:
                raise self.failing[customer_id]

    def done(self, customer_id: str) -> list[datetime]:
        """Return the instants at which work was done, in the order in which it was done."""
        rows = Event.objects.filter(type=DONE.name, customer_id=customer_id).order_by("sequence")
        return [row.occurred_at for row in rows if row.data["work"] == self.name]

    def transactions(self, customer_id: str) -> int:
        """Return in how many transactions a customer's work was done."""
        uuid = ids.decode(customer_id, prefix="cus")
        rows = _sql("SELECT count(DISTINCT done_in) FROM test_plan WHERE customer_id = %s", uuid)
        return int(rows[0][0])


def _sql(statement: str, *params: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)
        return cursor.fetchall() if cursor.description else []
