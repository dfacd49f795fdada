"""What learners are made of and have in common."""
