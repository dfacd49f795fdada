"""What is known of each market, ready to be shown."""
