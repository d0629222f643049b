"""The network. No database here."""
