"""The errors of the training package."""


class TrainingError(Exception):
    """Base of everything that `training` raises on purpose; the message names the remedy."""


class CaptionsFileError(TrainingError):
    """A captions file is missing, is no COCO captions JSON, or names photos that are not there."""


class JavaMissing(TrainingError):
    """COCO's tokenizer and METEOR are Java programs, and no `java` is on the PATH."""

    def __init__(self) -> None:
        super().__init__(
            "Scoring needs Java, which was not found on the PATH: COCO's tokenizer is a Java program. "
            "Install it with `apt-get install default-jre-headless` (Debian, Ubuntu), "
            "`brew install openjdk` (macOS), or any Java 8 or later."
        )


class ScorerFailed(TrainingError):
    """COCO's tokenizer ran and failed, or there is nothing that it could score."""
