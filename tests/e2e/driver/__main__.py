"""Shows Lakevault at work on a real node, step by step. Started by tests/e2e/run.sh, which has brought the node up.

Usage: python3 driver FOLDER IMAGE SIMULATOR-IMAGE NEXT-IMAGE [smoke]
"""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import consumer
import identities
import install
import leaders
import leaks
import removal
import resources
import syncs
import upgrade
from cluster import Cluster
from images import Image
from report import Report, dump
from world import World

Step = Callable[[World], None]

SMOKE: list[Step] = [install.simulator, install.release, install.definitions]
ALL: list[Step] = [
    *SMOKE,
    identities.samples,
    identities.own,
    identities.of_account,
    consumer.start,
    consumer.rotation,
    consumer.file,
    syncs.drift,
    syncs.loss,
    syncs.policies,
    syncs.conventions,
    resources.key_vault,
    resources.lake,
    leaders.asked_to_end,
    leaders.killed,
    upgrade.upgrade,
    leaks.objects,
    removal.uninstall,
    removal.everything_goes,
    leaks.logs,
]


def too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("all of it took too long")


def main() -> int:
    folder, *archives = map(Path, sys.argv[1:5])
    steps = SMOKE if "smoke" in sys.argv else ALL
    signal.signal(signal.SIGTERM, too_long)
    report, cluster = Report(), Cluster(folder)
    image, simulator, following = (Image.read(archive) for archive in archives)
    report.figure(f"image: {image.sizes()}; that of the simulator: {simulator.sizes()}")
    world = World(cluster, report, folder, image.digest, following.digest)
    try:
        for step in steps:
            with report.step((step.__doc__ or step.__name__).strip()):
                step(world)
    except (Exception, KeyboardInterrupt):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        dump(cluster)
        report.end(failed=1)
        return 1
    report.end(failed=0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
