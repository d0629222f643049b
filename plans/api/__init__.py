"""The catalog at the API."""
