"""Commands for the operator's terminal."""
