"""A run from its start, or from where it stopped, to its bundle."""
