"""A whole Fovea for a benchmark, in a process of its own, and what benchmarks do with it."""
