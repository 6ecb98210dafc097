"""One epoch: its training steps, then its validation."""
