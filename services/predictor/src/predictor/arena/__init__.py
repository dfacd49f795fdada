"""The arena: models from outside that predict each close beside the trained (docs/arena.md)."""
