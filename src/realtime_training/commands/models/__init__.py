"""`realtime models`: which models served, and how good they were."""
