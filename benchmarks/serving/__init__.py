"""Benchmarks of serving: the whole of Fovea, with real processes."""
