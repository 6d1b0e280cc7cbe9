"""Who leads, told by the Lease's own times: when it was given back, and when the next one took it."""

import os
import signal
import time
from datetime import datetime
from typing import Any

from cluster import SYSTEM, Watch, path
from install import process
from waiting import Unmet, check, until
from world import World, sync

# A leader that ends gives the lease back; the others look every 0.5 s.
GIVEN_BACK = 2.0
# One that is killed gives nothing back. The others wait 14 s from when they saw its last renewal, which they do within 0.5 s; that
# leaves 0.5 s for calls. A second more is for calls on a machine where all of the cluster shares two cores.
KILLED = 15.0 + 1.0

Lease = dict[str, Any]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def leases(watch: Watch) -> list[Lease]:
    """Every version of the lease since the watch began, the first being the one that was there."""
    versions = [lease["spec"] for lease in watch.now]
    versions += [lease["spec"] for _, kind, lease in watch.seen if kind != "DELETED"]
    check(bool(versions), "there was no lease")
    return versions


def another(world: World, watch: Watch, before: str) -> Lease:
    """Waits until somebody else than the holder `before` has the lease, and gives back the lease as it was taken."""

    def look() -> Lease:
        taken = [lease for lease in leases(watch) if lease.get("holderIdentity") not in ("", None, before)]
        if not taken:
            raise Unmet(f"the lease is {world.lease()}")
        return taken[0]

    return until("another leader", look, pause=0.1)


def released(watch: Watch) -> list[float]:
    """How long nobody had the lease, each time that it was given back."""
    gaps, since = [], None
    for lease in leases(watch):
        if not lease.get("holderIdentity"):
            since = since or moment(lease["renewTime"])
        elif since:
            gaps.append(moment(lease["acquireTime"]) - since)
            since = None
    check(since is None, "nobody has taken the lease that was given back")
    return gaps


def longest_silence(watch: Watch) -> float:
    """The longest time between two writes of the lease."""
    times = [moment(lease["renewTime"]) for lease in leases(watch)]
    return max((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)


def works(world: World, when: str) -> None:
    """Whoever leads now brings a new value."""
    value = f"planted-value-loop-{when}"
    world.azure.put("loop", value)
    world.cluster.look_now("shop", "loop", when)
    world.cluster.holds("shop", "loop", {"LOOP": value})


def start(world: World) -> None:
    world.cluster.apply(sync("loop", "shop", {"name": "payments"}, {"LOOP": "loop"}))
    world.cluster.wait("shop", "vss/loop")


def asked_to_end(world: World) -> None:
    """the leader's pod is deleted: another leads within 2 s of the moment at which it gave the lease back"""
    start(world)
    cluster, leads = world.cluster, world.leader()
    watch = Watch(cluster, path("leases", SYSTEM))
    holder, asked = watch.now[0]["spec"]["holderIdentity"], time.time()
    cluster.kubectl("--namespace", SYSTEM, "delete", "pod", leads, "--wait=false")
    taken = another(world, watch, holder)
    watch.stop()
    [gap] = released(watch)
    world.report.figure(
        f"takeover after SIGTERM: {gap:.2f} s from the lease's release, {moment(taken['acquireTime']) - asked:.2f} s from kubectl delete"
    )
    check(gap <= GIVEN_BACK, f"nobody led for {gap:.2f} s")
    works(world, "after-term")
    world.rolled_out()


def killed(world: World) -> None:
    """the leader is killed by SIGKILL: another leads within 15 s and a second for calls"""
    leads = world.leader()
    watch = Watch(world.cluster, path("leases", SYSTEM))
    holder, victim = watch.now[0]["spec"]["holderIdentity"], process(world, leads)
    gone = time.time()
    os.kill(victim, signal.SIGKILL)
    taken = another(world, watch, holder)
    watch.stop()
    gap = moment(taken["acquireTime"]) - gone
    world.report.figure(f"takeover after kill -9: {gap:.2f} s")
    check(gap <= KILLED, f"nobody led for {gap:.2f} s")
    check(not taken["holderIdentity"].startswith(leads), f"{leads} leads again before the one that stood by")
    works(world, "after-kill")
    world.rolled_out()
