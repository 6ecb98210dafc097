"""Counts of jobs and captions that pages show. See `webapp/counters`."""

from typing import Final

from webapp.captioning.job_states import STANDING_SQL
from webapp.counters.counter import Counter

BANDS: Final = {  # confidence: (from, below)
    "0-20": (0.0, 0.2),
    "20-40": (0.2, 0.4),
    "40-60": (0.4, 0.6),
    "60-80": (0.6, 0.8),
    "80-100": (0.8, 1.1),
}
_BAND: Final = (
    "CASE "
    + " ".join(f"WHEN {{row}}.confidence < {below} THEN '{band}'" for band, (_, below) in BANDS.items())
    + " ELSE '' END"
)

JOBS: Final = Counter(
    name="jobs",
    table="captioning_captionjob",
    subject="{row}.owner_id",
    parts=("{row}.lane", STANDING_SQL),
    columns=("owner_id", "lane", "state"),
)
"""By owner: lane and state. Running jobs count as queued, so taking a lease changes no count."""

CAPTIONS: Final = Counter(
    name="captions",
    table="captioning_caption",
    subject="{row}.model_version_id",
    parts=("{row}.review_state", _BAND),
    columns=("model_version_id", "review_state", "confidence"),
)
"""By model version: review state and confidence band."""
