"""How staff see numbers and dates in the admin."""
