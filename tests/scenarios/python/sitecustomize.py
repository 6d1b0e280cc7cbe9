"""Read by Python before any program: Azure's names lead to the simulator, and nobody sits at a terminal."""

import os
import socket
from pathlib import Path

HOSTS_FILE = os.environ.get("SCENARIO_HOSTS_FILE")


def addresses():
    """Address and port by name, as the hosts file has them now."""
    lines = Path(HOSTS_FILE).read_text().splitlines()
    pairs = (line.split(" ", 1) for line in lines)
    return {name: address.rsplit(":", 1) for address, name in pairs}


def follow_the_hosts_file():
    real = socket.getaddrinfo

    def resolve(host, port, *rest, **named):
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or name.replace(".", "").isdigit() or name == "localhost":
            return real(host, port, *rest, **named)
        try:
            address, own_port = addresses()[name]
        except KeyError:
            # Nothing of a scenario may reach the real Azure.
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return real(address, int(own_port), *rest, **named)

    socket.getaddrinfo = resolve


if HOSTS_FILE:
    follow_the_hosts_file()
    # getpass asks the terminal, where there is one; the answers of a scenario come by standard input.
    os.setsid()
