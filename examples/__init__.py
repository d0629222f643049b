"""Examples that run: price lists, and a product service."""
