"""`realtime replay`."""
