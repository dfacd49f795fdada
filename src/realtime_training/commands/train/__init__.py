"""`realtime train`."""
