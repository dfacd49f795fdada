"""Indicators of one's own: each module here is one, found by itself, and exports `INDICATOR`.

How to add one is in docs/recipes/indicator.md.
"""
