"""What each product service must hold for each customer, and whether it does."""
