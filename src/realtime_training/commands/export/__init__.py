"""`realtime export`: what is stored, as Parquet."""
