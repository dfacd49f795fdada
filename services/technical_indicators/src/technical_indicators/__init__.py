"""Candles to feature vectors."""
