"""Indicators of the book at base closes: each module here is one, found by itself.

`book_…` read the levels, where they are followed; `quote_…` the best prices, which quotes bring.
"""
