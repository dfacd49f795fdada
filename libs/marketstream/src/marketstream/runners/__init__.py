"""What drives stages: one module per way to run them."""
