"""`realtime audit-claim`."""
