from webapp.errors import SiteError


class BatchRejected(SiteError):
    """A batch cannot be created or unpacked.

    Codes: not_a_zip too_many_bytes too_many_files no_photos overlapping corrupt_zip no_space bad_name no_file
    not_a_folder other_submission.
    """
