"""`realtime features`."""
