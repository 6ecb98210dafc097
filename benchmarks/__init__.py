"""How fast training is, as ratios of runs on one machine that take turns: what the machine is cancels out."""
