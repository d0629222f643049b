"""Change sets: previews that are the change."""
