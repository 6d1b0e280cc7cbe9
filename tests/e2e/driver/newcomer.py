"""The first hour: what docs/getting-started.md has whoever is new type, typed as it stands there."""

import subprocess
import time

from cluster import SYSTEM
from waiting import check
from world import ROOT, World

PAGE = "docs/getting-started.md"
# What earlier steps may have left, which a new cluster has not.
LEFT = ["azure-simulator", "demo", SYSTEM]
# So long may it take whoever has the images.
LIMIT = 600


def getting_started(world: World) -> None:
    """docs/getting-started.md as it is written, from an empty cluster to a pod that reads a rotated secret, and back"""
    cluster = world.cluster
    cluster.kubectl("delete", "namespace", *LEFT, "--ignore-not-found", "--timeout=180s")
    script = cluster.run(str(ROOT / "tests" / "docs" / "commands.sh"), str(ROOT / PAGE), "cluster")
    check("kubectl apply -k deploy/simulator" in script, f"{PAGE} has no commands for a cluster")
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False,
    )
    check(done.returncode == 0, f"{PAGE} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    lines = done.stdout.splitlines()
    for line in ("variable horse, file horse", "variable battery, file battery"):
        check(line in lines, f"no pod said {line!r}:\n{done.stdout[-4000:]}")
    world.report.figure(f"getting started with images at hand: {time.monotonic() - began:.0f} s, its waits and its end included")
