"""Pages for support and finance staff that show several apps at once."""
