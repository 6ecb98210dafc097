"""Tries a bundle on probe pictures. Runs in a child process: no Django, no queue."""

from pathlib import Path


class ModelUnfit(Exception):
    """The bundle is whole, but its captions are of no use."""


def bundle_verify(directory: Path) -> None:
    """Load a bundle and caption the probe pictures: they differ, so their captions must not all be the same.

    Raises:
        BundleError: missing, corrupt or incompatible.
        ModelUnfit: the same caption, or none, for every probe.
    """
    from captioner.inference import Captioner  # in the child alone
    from captioner.probe_pictures import probe_pictures

    captioner = Captioner.load(directory)
    probes = probe_pictures(captioner.preprocessing.size)
    captions = {result.text for result in captioner.caption_batch(probes)}
    if captions <= {""}:
        raise ModelUnfit("it writes no words")
    if len(captions) == 1:
        raise ModelUnfit(
            f"it writes {captions.pop()!r} for {len(probes)} distinct pictures: "
            "check that weights, vocabulary and preprocessing belong together"
        )
