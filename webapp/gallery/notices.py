"""What the pages say at the top when captioning does not go on."""

from webapp.gallery.selectors.workers import worker_progress


def captioning_notice() -> str:
    """Empty where all is well."""
    progress = worker_progress()
    return "" if progress.ok else progress.message
