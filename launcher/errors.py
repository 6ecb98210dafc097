class LaunchError(Exception):
    """Fovea cannot start, or cannot go on; the message names the remedy."""


class AlreadyRunning(LaunchError):
    """Another Fovea works on the same data folder."""
