"""`realtime demo`: a leader and its follower."""
