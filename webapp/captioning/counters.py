"""Counts of jobs, captions and photos that pages show. See `webapp/counters`."""

from collections.abc import Mapping
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
SURENESS: Final = {"unsure": (0.0, 0.3), "fairly": (0.3, 0.5), "sure": (0.5, 1.1)}  # of texts, for owners: likewise


def _band(bands: Mapping[str, tuple[float, float]]) -> str:
    """SQL for the name of a row's band; "" where it has no confidence."""
    whens = " ".join(f"WHEN {{row}}.confidence < {below} THEN '{band}'" for band, (_, below) in bands.items())
    return f"CASE {whens} ELSE '' END"


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
    parts=("{row}.review_state", _band(BANDS)),
    columns=("model_version_id", "review_state", "confidence"),
)
"""By model version: review state and confidence band."""

PHOTOS: Final = Counter(
    name="photos",
    table="photos_photo",
    subject="{row}.owner_id",
    parts=(
        "{row}.text_by",
        "{row}.review_state",
        _band(SURENESS),
        "coalesce(CAST({row}.model_version_id AS text), '')",
        "{row}.format",
    ),
    columns=("owner_id", "text_by", "review_state", "confidence", "model_version_id", "format"),
)
"""By owner: who wrote the text, review state, sureness, model version and format."""
