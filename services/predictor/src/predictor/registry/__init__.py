"""Where trained models are kept: MLflow, their stored form, and copies while it is away."""
