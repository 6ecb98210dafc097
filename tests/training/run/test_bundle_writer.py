"""What a run leaves at its end."""

import resource
from dataclasses import replace

import pytest

from tests.training.small_runs import OPTIONS, prepared
from training.errors import FileError
from training.run.bundle_writer import bundle_write
from training.run.epoch_loop import EpochLoop

pytestmark = pytest.mark.usefixtures("no_java")


def test_bundle_on_a_full_disk_says_that_the_bundle_has_no_room(found, tmp_path):
    made = prepared(tmp_path / "run", found, options=replace(OPTIONS, decoder_epochs=1, views=1))
    loop = EpochLoop(made)
    loop.run()
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, former[1]))  # the features fit, the weights do not
    try:
        with pytest.raises(FileError, match=r"bundle could not be written \(File too large\)\. Make room"):
            bundle_write(loop)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)

    assert not made.folder.bundle.exists()
