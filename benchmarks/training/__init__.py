"""Benchmarks of training: the product's trainer over the tutorial's way."""
