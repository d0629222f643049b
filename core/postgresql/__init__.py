"""Django's database backend for PostgreSQL, reading instants faster."""
