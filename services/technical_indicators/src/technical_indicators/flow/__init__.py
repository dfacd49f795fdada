"""Indicators of what is traded, of how the price moves and when: each module here is one.

They are found by themselves and read base candles.
"""
