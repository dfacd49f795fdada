"""`realtime explain`: why a prediction said what it said."""
