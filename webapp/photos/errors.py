from webapp.errors import SiteError


class PhotoRejected(SiteError):
    """A file was rejected as a photo. Nothing of it is stored.

    Codes: empty not_an_image unsupported_format truncated too_many_bytes too_many_pixels unreadable bad_name no_space
    too_many_files no_file, and for files of batches: unsafe_path symlink nested_archive encrypted
    unsupported_compression corrupt_member.
    """
