"""Trades to OHLCV candles."""
