"""The model in training: how it begins, and which of its parts learn."""
