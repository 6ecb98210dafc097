"""What a scenario measured, and the table of it."""

from dataclasses import dataclass

COLUMNS = ("scenario", "database", "photos", "kills", "lost", "doubled", "slowest recovery, s", "seconds", "held")


@dataclass(frozen=True)
class Figures:
    """
    Args:
        photos: that were to be captioned.
        kills: or whatever else was done to the stack.
        lost: photos without a caption at the end.
        doubled: captions beyond one for each photo.
        recovery: seconds, the slowest of what the scenario promises a time for.
        note: what else is worth knowing.
    """

    photos: int
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    recovery: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """One scenario on one database. `figures` is None, and `error` says why, where a promise was broken."""

    scenario: str
    database: str
    seconds: float
    figures: Figures | None = None
    error: str = ""

    @property
    def held(self) -> bool:
        return self.figures is not None

    def __str__(self) -> str:
        """A row of the table."""
        figures = self.figures
        if figures is None:
            measured, note = [""] * 5, self.error.strip().partition("\n")[0][:200]
        else:
            recovery = "" if figures.recovery is None else f"{figures.recovery:.1f}"
            counts = [str(number) for number in (figures.photos, figures.kills, figures.lost, figures.doubled)]
            measured, note = [*counts, recovery], figures.note
        held = "yes" if self.held else "NO"
        return f"| {' | '.join([self.scenario, self.database, *measured, f'{self.seconds:.0f}', held, note])} |"


HEADER = f"| {' | '.join(COLUMNS)} | note |\n|{'---|' * (len(COLUMNS) + 1)}"
