"""`realtime record`."""
