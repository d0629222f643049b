"""The API's conventions: parsing, problems, lists, idempotency, answers, schema."""
