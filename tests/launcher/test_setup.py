import subprocess

from webapp.env import BASE_DIR

SETUP = BASE_DIR / "launcher" / "setup"


def test_setup_without_python_311_says_what_to_do_and_leaves_nothing(tmp_path):
    done = subprocess.run(
        [SETUP, "requirements.txt", "stamp"],
        cwd=tmp_path,
        env={"PYTHON": "no-such-python", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11" in done.stderr
    assert "no-such-python" in done.stderr
    assert "make run PYTHON=" in done.stderr
    assert list(tmp_path.iterdir()) == []
