"""How much of a metered feature is used: grants, burn-down and balances."""
