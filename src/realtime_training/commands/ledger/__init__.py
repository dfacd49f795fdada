"""`realtime ledger`: whether what was predicted is what is stored."""
