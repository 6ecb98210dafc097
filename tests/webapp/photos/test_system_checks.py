import shutil
from pathlib import Path

import pytest
from django.core.management import call_command

from webapp.photos import system_checks


def test_data_folder_that_is_a_file_is_an_error_with_a_remedy(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "file" / "data"
    settings.DATA_DIR.parent.write_text("in the way")
    (problem,) = system_checks.data_folder_check(None)
    assert problem.id == "fovea.E002"
    assert "or choose another folder" in str(problem.hint)


def test_data_folder_that_does_not_exist_yet_is_fine(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "not" / "yet"
    assert system_checks.data_folder_check(None) == []


def test_data_folder_on_a_nearly_full_disk_is_a_warning(settings, tmp_path: Path, monkeypatch) -> None:
    settings.DATA_DIR = tmp_path
    usage = shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    (problem,) = system_checks.data_folder_check(None)
    assert (problem.id, "5 MB left" in problem.msg) == ("fovea.W002", True)


def test_limit_of_pixels_that_no_child_can_open_is_a_warning(settings) -> None:
    settings.UPLOAD_MAX_PIXELS = 500_000_000
    (problem,) = system_checks.upload_limits_check(None)
    assert "FOVEA_DECODE_MEMORY_MB=" in str(problem.hint)


@pytest.mark.parametrize("check", [system_checks.upload_limits_check])
def test_default_limits_pass_the_checks(check) -> None:
    assert check(None) == []
    call_command("check")
