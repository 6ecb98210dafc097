"""Ports: one that is free, and the error for one that is in use."""

import os
import socket

from launcher.errors import LaunchError


def free_port(*, besides: int = 0) -> int:
    """A loopback port that nothing listens on. Never `besides`: another program is about to take that one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return port if port != besides else free_port(besides=besides)


def port_check(host: str, port: int) -> None:
    """Raises LaunchError where the site cannot listen there; the message names a free port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise LaunchError(
            f"The site cannot listen on {host} port {port} ({os.strerror(error.errno or 0)}). Set FOVEA_PORT to a free "
            f"port, such as FOVEA_PORT={free_port()}, or FOVEA_HOST to an address of this machine."
        ) from error
