from pathlib import Path

import pytest

from tests.disks import needs_mount
from tests.launcher.full_disk import site_outlives_full_disk

pytestmark = [pytest.mark.slow, needs_mount]


def test_run_outlives_a_disk_that_is_full_to_its_last_byte(tmp_path: Path, tiny_bundle: Path) -> None:
    assert site_outlives_full_disk(tmp_path, tiny_bundle, cycles=2) > 4
