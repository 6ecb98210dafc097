"""Everything this package raises on purpose. Messages name the value, the limit or file, and the remedy."""


class CaptionerError(Exception):
    """Base of every error of the captioner."""


class VocabularyError(CaptionerError):
    """A vocabulary that cannot be used (empty, without its special tokens, with repeated words)."""


class BundleError(CaptionerError):
    """A model bundle, or weights that it refers to, cannot be used."""


class BundleMissing(BundleError):
    """The directory, one of its files, or weights it refers to are not there."""


class BundleCorrupt(BundleError):
    """A file is not the one that was saved: its digest or its form is wrong."""


class BundleIncompatible(BundleError):
    """The files are whole, but this version of the captioner cannot run them."""


class BundleFailed(BundleError):
    """The files are whole, and their metrics say that the training which made them failed."""


class DeviceError(CaptionerError):
    """The device that the model is to run on is not there."""


class CaptionImpossible(CaptionerError):
    """The model gives no number that is one: its weights, or the arithmetic of the device, are broken."""


class PhotoError(CaptionerError):
    """A file that cannot become model input.

    `code` is one of PHOTO_ERROR_CODES: stable, for programs. The message is for people.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return self.message


PHOTO_ERROR_CODES = (
    "empty",
    "not_an_image",
    "unsupported_format",
    "truncated",
    "too_many_bytes",
    "too_many_pixels",
    "unreadable",
)
