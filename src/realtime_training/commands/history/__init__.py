"""`realtime history`."""
