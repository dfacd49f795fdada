"""Faults on demand: what exchanges do wrong, by seed or at a word, beside a ledger of the truth."""
