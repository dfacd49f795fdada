"""`realtime run`."""
