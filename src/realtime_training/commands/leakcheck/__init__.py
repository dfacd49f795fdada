"""`realtime leakcheck`."""
