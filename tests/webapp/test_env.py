"""Environment variables: what is wrong is told with the remedy, and the default is used."""

from pathlib import Path

import pytest

from webapp import env


def problem(name: str, value: str) -> env.Problem:
    """The one problem of an environment with this one variable."""
    values, problems = env.read({name: value})
    assert values[name] == env.VARIABLES[name].default
    (found,) = problems
    return found


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("FOVEA_PORT", "many", "a whole number from 1 to 65535"),
        ("FOVEA_PORT", "70000", "a whole number from 1 to 65535"),
        ("FOVEA_HTTPS", "perhaps", "use 1 or 0"),
        ("FOVEA_LOG_LEVEL", "LOUD", "use one of: DEBUG"),
        ("FOVEA_DEVICE", "tpu", "use auto, cpu, cuda"),
        ("FOVEA_BROKER_URL", "amqp://localhost", "starts with redis://"),
    ],
)
def test_wrong_value_is_told_with_the_remedy(name: str, value: str, remedy: str) -> None:
    assert remedy in problem(name, value).remedy


@pytest.mark.parametrize("password", ["a/b", "a#b", "a?b", "[b"])
def test_password_that_breaks_its_url_is_told_and_not_shown(password: str) -> None:
    found = problem("FOVEA_DATABASE_URL", f"postgres://fovea:{password}@db:5432/fovea")
    assert "percent-encoded" in found.remedy
    assert found.value == "(hidden)"


def test_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    values, problems = env.read({"FOVEA_SECRET_KEY_FILE": str(tmp_path / "key")})
    assert values["FOVEA_SECRET_KEY"] == "s3cret"
    assert problems == []


def test_secret_file_that_is_missing_is_told(tmp_path: Path) -> None:
    _, (found,) = env.read({"FOVEA_SECRET_KEY_FILE": str(tmp_path / "nothing")})
    assert str(tmp_path / "nothing") in found.remedy


def test_misspelt_name_is_told_with_the_nearest() -> None:
    (found,) = env.unknown({"FOVEA_PROT": "8000", "FOVEA_PORT": "8000"})
    assert found == env.Problem("FOVEA_PROT", "8000", "did you mean FOVEA_PORT?")


def test_name_that_resembles_none_points_to_the_list() -> None:
    (found,) = env.unknown({"FOVEA_XYZZYQUUX": "1"})
    assert "webapp/env.py" in found.remedy


@pytest.mark.parametrize(("asked", "cores", "processes"), [(0, 2, 1), (0, 7, 1), (0, 8, 2), (0, 64, 4), (9, 2, 9)])
def test_site_has_a_process_for_each_four_cores_unless_told(
    monkeypatch: pytest.MonkeyPatch, asked: int, cores: int, processes: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert env.web_processes({"FOVEA_WEB_PROCESSES": asked}) == processes


def test_site_counts_the_machines_cores_where_a_process_has_none_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert env.web_processes({"FOVEA_WEB_PROCESSES": 0}) == 2
