"""Everything about one customer on one page: read in a fixed number of queries, lists bounded."""
