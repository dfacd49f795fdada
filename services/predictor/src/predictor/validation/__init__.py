"""How good a model is: purged walks forward, figures, importance, pictures."""
