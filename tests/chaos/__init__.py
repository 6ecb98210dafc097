"""Whatever dies, no photo is lost and none is captioned twice: scenarios against a whole Fovea of real processes.

A scenario is a module here with `run(stack, scale, seed) -> Figures`, which raises where a promise is broken, and a
line in SCENARIOS. `scale` is small (for the tests) or full; `seed` decides all that is left to chance.
"""

SCENARIOS = (
    "worker_kills",
    "broker_kills",
    "broker_wiped",
    "broker_silent",
    "web_kills",
    "pickle_message",
    "worker_paused",
    "harmful_files",
    "worker_terms",
    "model_swaps",
    "long_queue",
    "disk_full",
    "database_outages",
    "clock_jumps",
)
MACHINE_CLOCK = ("clock_jumps",)  # these set the clock of the machine that their processes see

DATABASES = ("sqlite", "postgresql")
