"""The database engine that the settings name: Django's own for PostgreSQL, with one change.

Django reads ``timestamptz`` by a regular expression in Python. A row of a subscription holds ten of
them, so that reading instants took a tenth of a renewal; ``fromisoformat`` does it in C.
"""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg.adapt import AdaptersMap


class UtcLoader(BaseTzLoader):  # type: ignore[misc]  # untyped in Django's stubs
    """Reads ``2026-01-31 00:00:00.25+00``, as the server writes instants for a session in UTC."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            found = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # infinity, or a year that Python does not know: let it be explained
            found = super().load(data)
        return found if found.tzinfo is UTC else found.astimezone(UTC)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose instants are read by ``UtcLoader``; the project's time zone is UTC."""

    def get_connection_params(self) -> dict[str, Any]:
        parameters = super().get_connection_params()
        adapters = AdaptersMap(parameters["context"])
        adapters.register_loader("timestamptz", UtcLoader)
        return {**parameters, "context": adapters}
