"""Targets beside direction: how much a price will move, and how far apart its extremes will be."""
