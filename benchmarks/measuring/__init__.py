"""What all benchmarks share: the command line, runs that take turns, the table, and the means of measuring."""
