"""The soak of models: ten candidates and a training a minute, beside the same without."""
