"""`realtime evaluate`."""
