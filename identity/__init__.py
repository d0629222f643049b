"""Who may call us: clients, their secrets, the tokens they get and the keys that sign them."""
