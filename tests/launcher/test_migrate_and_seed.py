import stat

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from launcher.migrate_and_seed import SAMPLES, account_ensure, samples_submit
from webapp.photos.models import Photo


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    return tmp_path


def admin():
    return get_user_model().objects.get(username="admin")


@pytest.mark.django_db
def test_first_account_gets_a_generated_password_kept_for_its_owner(data_dir, capsys):
    account_ensure()
    path = data_dir / "secrets" / "admin_password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    password = path.read_text().strip()
    assert admin().check_password(password)
    assert f"password {password} " in capsys.readouterr().out


@pytest.mark.django_db
def test_first_account_takes_the_password_of_the_environment_and_does_not_show_it(data_dir, capsys, monkeypatch):
    monkeypatch.setitem(settings.ENV, "FOVEA_ADMIN_PASSWORD", "from the environment")
    account_ensure()
    assert admin().check_password("from the environment")
    assert "from the environment" not in capsys.readouterr().out
    assert not (data_dir / "secrets").exists()


@pytest.mark.django_db
def test_first_account_is_made_once_and_shown_once(data_dir, capsys):
    account_ensure()
    capsys.readouterr()
    account_ensure()
    assert capsys.readouterr().out == ""
    assert get_user_model().objects.count() == 1


def test_first_account_is_not_made_beside_others(user, data_dir):
    account_ensure()
    assert list(get_user_model().objects.all()) == [user]


@pytest.mark.django_db
def test_samples_are_submitted_once(data_dir):
    account_ensure()
    marker = data_dir / "samples-submitted"
    samples_submit(marker=marker)
    names = {path.name for path in SAMPLES.glob("*.jpg")}
    assert set(Photo.objects.values_list("name", flat=True)) == names
    Photo.objects.all().delete()
    samples_submit(marker=marker)
    assert not Photo.objects.exists()


def test_samples_need_the_account(user, data_dir):
    samples_submit(marker=data_dir / "samples-submitted")
    assert not Photo.objects.exists()
    assert not (data_dir / "samples-submitted").exists()
