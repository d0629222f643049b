"""Whom we serve: customers, the things they own, and the clock they live by."""
