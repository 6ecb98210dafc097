from webapp.errors import SiteError


class ExportFailed(SiteError):
    """An export cannot be written to its file. Codes: wrong_target, no_space, unwritable."""
