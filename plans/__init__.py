"""What we sell: products, plans, prices, features, and the catalog as code."""
