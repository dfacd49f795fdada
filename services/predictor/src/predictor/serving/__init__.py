"""The hot path: a feature vector to predictions, and predictions to outcomes."""
