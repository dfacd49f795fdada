"""What is known of a market: a state machine without I/O, fed with events, answers and time."""
