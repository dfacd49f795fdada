"""`realtime simulate`."""
