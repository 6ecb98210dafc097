"""How fast Fovea is: most figures are ratios of runs that take turns on one machine, so the machine cancels out.

training/       the product's trainer over the tutorial's way
captioner/      the captioner's engine
serving/        the whole of Fovea: over the bare captioner, over other servers, a person's wait, scaling
fovea_stack/    a whole Fovea in a process of its own, and what benchmarks do with it
peer_servers/   the servers that Fovea is compared with
measuring/      what all share: the command line, runs that take turns, the table, the means of measuring
"""
