"""The errors of the gallery: each has a `code` for programs, and a `message` that names value, limit and remedy."""


class GalleryError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)  # both as args, so that it survives the way out of a child process
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


class PhotoRejected(GalleryError):
    """A file that is not taken as a photo; nothing of it is stored.

    Codes: empty not_an_image unsupported_format truncated too_many_bytes too_many_pixels unreadable bad_name no_space
    too_many_files no_file, and those of batch members: unsafe_path symlink nested_archive encrypted
    unsupported_compression corrupt_member.
    """


class BatchRejected(GalleryError):
    """A batch that cannot be made or unpacked at all.

    Codes: not_a_zip too_many_bytes too_many_files no_photos overlapping corrupt_zip no_space bad_name no_file
    not_a_folder other_submission.
    """


class ActionRefused(GalleryError):
    """What was asked does not fit the state that the row is in."""


class StaleLease(GalleryError):
    """A write by a worker that no longer holds the lease."""
