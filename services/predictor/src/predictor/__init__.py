"""Feature vectors to predictions, and predictions to outcomes."""
