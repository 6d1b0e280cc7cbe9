"""Shows Lakevault at work on a real node, step by step. Started by tests/e2e/run.sh, which has brought the node up.

Usage: python3 driver FOLDER IMAGE SIMULATOR-IMAGE NEXT-IMAGE all|smoke|STEP…     (a step is named as in ALL below)
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
import newcomer
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
    newcomer.getting_started,
    leaks.logs,
]


def too_long(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError("all of it took too long")


def chosen(words: list[str]) -> list[Step]:
    """The steps that these words mean, in their order; nothing runs without the first ones."""
    sets = {"smoke": SMOKE, "all": ALL}
    if len(words) == 1 and words[0] in sets:
        return sets[words[0]]
    named = {f"{step.__module__}.{step.__name__}": step for step in ALL}
    return SMOKE + [step for name, step in named.items() if name in words and step not in SMOKE]


def main() -> int:
    folder, *archives = map(Path, sys.argv[1:5])
    steps = chosen(sys.argv[5:])
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
