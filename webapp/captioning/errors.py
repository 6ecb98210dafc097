from webapp.errors import SiteError


class StaleLease(SiteError):
    """A write by a worker that no longer holds the lease."""


class DecisionError(Exception):
    """A decision that was not recorded: what is wrong, and the remedy."""


class DecisionConflict(DecisionError):
    """Somebody else decided since the reviewer looked."""


class TextRejected(DecisionError):
    """The text cannot stand as a caption."""
