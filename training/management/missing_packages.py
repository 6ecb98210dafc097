"""The message of a command if the packages of training are not installed, as in the image of the web."""

from django.core.management.base import CommandError


def package_missing(doing: str, error: ModuleNotFoundError) -> CommandError:
    """`doing`: what needs the package, as the first words of a sentence."""
    return CommandError(
        f"{doing} needs the Python package {error.name!r}, which is not installed here. "
        "Run: pip install -r training/requirements.txt -c constraints.txt"
    )
