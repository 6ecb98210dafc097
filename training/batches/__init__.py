"""From photos and captions to the batches of a training step."""
