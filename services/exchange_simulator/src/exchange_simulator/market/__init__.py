"""What is traded: markets made up from a seed, or recorded ones."""
