"""The errors of training. Most are raised before the first step."""


class TrainingError(Exception):
    """Base of the trainer's errors. The message names the file or value and the remedy."""


class OptionError(TrainingError):
    """An option, or a recipe, that cannot be."""


class FileError(TrainingError):
    """A file that cannot be written."""


class DatasetError(TrainingError):
    """Captions or photos that cannot be trained on."""


class CheckpointError(TrainingError):
    """A checkpoint that cannot be written, or resumed from."""


class TrainingDiverged(TrainingError):
    """The loss is no longer a number."""


class RunFailed(TrainingError):
    """The run ended, and its model is no better than captions that were chosen without a look at the photos."""


class DeviceExhausted(TrainingError):
    """The memory of the device is too small for a step."""


class ScorerError(TrainingError):
    """COCO's scorer could not run, or there is nothing that it could score."""


class JavaMissing(ScorerError):
    """COCO's tokenizer and METEOR are Java programs, and there is no `java` on the PATH."""

    def __init__(self) -> None:
        super().__init__(
            "Scoring captions needs Java, and no `java` is on the PATH: COCO's tokenizer is a Java program. "
            "Install Java 8 or later, on Debian and Ubuntu with: apt-get install default-jre-headless"
        )
