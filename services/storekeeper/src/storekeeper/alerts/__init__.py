"""Alerts: what is worth telling people who do not look, and how it gets to them."""
