"""Names of the simulator, for a program of its own: looked up in the hosts file that AZURE_SIMULATOR_HOSTS names, and
nowhere else."""

import os
import socket
from pathlib import Path

REAL = socket.getaddrinfo


def resolve(host, port, *rest, **named):
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name == "localhost" or name.replace(".", "").isdigit():
        return REAL(host, port, *rest, **named)
    for line in Path(os.environ["AZURE_SIMULATOR_HOSTS"]).read_text().splitlines():
        address, known = line.split(" ", 1)
        if known == name:
            address, port = address.rsplit(":", 1)
            return REAL(address, int(port), *rest, **named)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


if "AZURE_SIMULATOR_HOSTS" in os.environ:
    socket.getaddrinfo = resolve
