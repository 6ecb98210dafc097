import os
import socket

import pytest

from launcher.errors import LaunchError
from launcher.ports import free_port
from launcher.start_and_stop import Fovea


def environ(tmp_path, **variables):
    return {**os.environ, "FOVEA_DATA_DIR": str(tmp_path), "FOVEA_PORT": str(free_port()), **variables}


def test_site_names_a_port_in_use(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"port {port} \(Address already in use\).*FOVEA_PORT=\d+"):
            Fovea(environ(tmp_path, FOVEA_PORT=str(port)), say=print).__enter__()


def test_site_leaves_the_folder_free_after_a_start_that_failed(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        site = environ(tmp_path, FOVEA_PORT=str(taken.getsockname()[1]))
        for _ in range(2):
            with pytest.raises(LaunchError, match="Address already in use"):
                Fovea(site, say=print).__enter__()


def test_site_names_a_wrong_variable_its_value_and_the_remedy(tmp_path):
    with pytest.raises(LaunchError, match=r"FOVEA_PORT=eighty is not valid: use a whole number from 1 to 65535"):
        Fovea(environ(tmp_path, FOVEA_PORT="eighty"), say=print)


def test_site_tells_of_a_variable_that_nothing_reads(tmp_path):
    said: list[str] = []
    Fovea(environ(tmp_path, FOVEA_PROT="8001"), say=said.append)
    assert said == ["FOVEA_PROT is set, but nothing reads it: did you mean FOVEA_PORT?"]


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8123"), ("0.0.0.0", "http://127.0.0.1:8123"), ("::", "http://[::1]:8123")],
)
def test_site_url_is_one_that_a_browser_here_can_open(tmp_path, host, url):
    assert Fovea(environ(tmp_path, FOVEA_HOST=host, FOVEA_PORT="8123"), say=print).url == url
