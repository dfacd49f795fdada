"""The whole system in one process, and the `realtime` command."""
