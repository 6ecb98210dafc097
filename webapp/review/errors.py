class ReviewError(Exception):
    """A decision that was not recorded: what is wrong, and the remedy."""


class ReviewConflict(ReviewError):
    """Somebody else decided since the reviewer looked."""


class TextRejected(ReviewError):
    """The text cannot stand as a caption."""
