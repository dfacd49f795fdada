"""The dashboard as a browser shows it."""
