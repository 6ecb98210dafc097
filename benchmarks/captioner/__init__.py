"""Benchmarks of the captioner: its engine, and the bare captioner that the system is compared with."""
