"""`realtime integrity`: how whole the stored markets are."""
