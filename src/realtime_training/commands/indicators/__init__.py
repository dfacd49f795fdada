"""`realtime indicators`: what can be computed at a close."""
