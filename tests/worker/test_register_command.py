"""`manage.py register_model` where the database is not ready for it."""

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings


def test_register_model_without_tables_says_how_to_make_them(tiny_bundle: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "FOVEA_DATA_DIR": str(tmp_path / "data"), "FOVEA_DATABASE_URL": ""}
    said = subprocess.run(
        [sys.executable, "manage.py", "register_model", str(tiny_bundle)],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert "python manage.py migrate" in said.stderr
    assert "Traceback" not in said.stderr
