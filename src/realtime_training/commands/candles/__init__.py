"""`realtime candles`."""
