"""Groups of job states."""

from typing import Final

from webapp.captioning.models import CaptionJob

State = CaptionJob.State

WAITING: Final = (State.QUEUED, State.RUNNING)
UNSUCCESSFUL: Final = (State.FAILED, State.QUARANTINED, State.CANCELLED)

STANDING_SQL: Final = f"CASE {{row}}.state WHEN '{State.RUNNING}' THEN '{State.QUEUED}' ELSE {{row}}.state END"
"""The state under which a job is counted: running counts as queued."""
