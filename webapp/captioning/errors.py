from webapp.errors import SiteError


class StaleLease(SiteError):
    """A write by a worker that no longer holds the lease."""


class DecisionError(Exception):
    """A decision was not recorded. The message says why, and the remedy."""


class DecisionConflict(DecisionError):
    """Another person decided after the reviewer opened the caption."""


class TextRejected(DecisionError):
    """The text cannot be a caption."""
