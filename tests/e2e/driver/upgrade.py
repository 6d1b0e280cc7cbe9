"""An upgrade with syncs going on: another version of the chart, its definitions and the image."""

import shutil
import threading
import time
from pathlib import Path
from typing import Any

import consumer
from cluster import SYSTEM, Watch, condition, path
from leaders import GIVEN_BACK, KILLED, longest_silence, released
from waiting import Unmet, check, until
from world import CHART, World

NEXT = "0.1.1-e2e"
# How many values are to arrive before the upgrade and after it; it brings more itself.
EACH_SIDE = 5


class Rotations:
    """Changes a secret of the vault again and again, and waits each time until the Secret has it."""

    def __init__(self, world: World):
        self.world = world
        self.arrived = 0
        self.slowest = 0.0
        self.failed: BaseException | None = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            while not self.over.is_set():
                self.once(f"{self.arrived + 1:04}")
        except BaseException as error:  # pylint: disable=broad-exception-caught
            # Told by the thread that waits for this one.
            self.failed = error

    def once(self, number: str) -> None:
        cluster, began, value = self.world.cluster, time.monotonic(), f"planted-value-loop-{number}"
        self.world.azure.put("loop", value)
        asked = {"metadata": {"annotations": {"lakevault.dev/sync-at": number}}}
        cluster.patch("vaultsecretsyncs", "shop", "loop", asked)
        cluster.holds("shop", "loop", {"LOOP": value}, seconds=60)
        self.arrived += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def more(self, count: int) -> None:
        """Waits until so many more have arrived."""
        wanted = self.arrived + count

        def look() -> None:
            if self.failed is not None:
                raise self.failed
            if self.arrived < wanted:
                raise Unmet(f"{self.arrived} have")

        until(f"{wanted} values to arrive", look)

    def stop(self) -> None:
        self.over.set()
        self.thread.join(timeout=90)
        if self.failed is not None:
            raise self.failed


def next_chart(world: World) -> Path:
    """The chart as another version, whose definition of syncs has one more short name."""
    chart = world.folder / "next-chart"
    shutil.rmtree(chart, ignore_errors=True)
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    text = about.read_text()
    version = next(line.split()[1] for line in text.splitlines() if line.startswith("version:"))
    about.write_text(text.replace(f"ersion: {version}\n", f"ersion: {NEXT}\n"))
    crd = chart / "files" / "crds" / "vaultsecretsyncs.yaml"
    text = crd.read_text()
    changed = text.replace("    - vss\n", "    - vss\n    - nextvss\n")
    check(changed != text, "the definition's short name is not where it was")
    crd.write_text(changed)
    return chart


def upgrade(world: World) -> None:
    """helm upgrade while values change: each arrives, a replica leads throughout, syncs stay Ready, Secrets stay, definitions follow"""
    cluster = world.cluster
    chart = next_chart(world)
    watches = {kind: Watch(cluster, path(kind, "shop")) for kind in ("secrets", "vaultsecretsyncs")}
    lease = Watch(cluster, path("leases", SYSTEM))
    rotations = Rotations(world)
    rotations.more(EACH_SIDE)
    began = time.monotonic()
    cluster.helm(
        "upgrade", "lakevault", str(chart), "--namespace", SYSTEM, *world.values(), "--set", f"image.digest={world.next_digest}",
    )
    world.rolled_out()
    took = time.monotonic() - began
    rotations.more(EACH_SIDE)
    rotations.stop()
    seen = {kind: watch.stop() for kind, watch in watches.items()}
    lease.stop()
    led(world, lease)
    secrets_stayed(watches["secrets"].now, seen["secrets"])
    stayed_ready(seen["vaultsecretsyncs"])
    for pod in world.pods():
        image = pod["spec"]["containers"][0]["image"]
        check(image.endswith(world.next_digest), f"a pod runs {image}")
    cluster.kubectl("--namespace", "shop", "get", "nextvss", "loop")
    consumer.once(world)
    world.report.figure(f"upgrade: {took:.0f} s; {rotations.arrived} values arrived meanwhile, the slowest after {rotations.slowest:.1f} s")


def led(world: World, lease: Watch) -> None:
    gaps, silence = released(lease), longest_silence(lease)
    check(bool(gaps), "the leader was not replaced")
    check(max(gaps) <= GIVEN_BACK, f"nobody led for {max(gaps):.2f} s")
    check(silence <= KILLED, f"the lease was not renewed for {silence:.2f} s")
    world.report.figure(f"upgrade: {len(gaps)} handovers, nobody led for {max(gaps):.2f} s at most")


def secrets_stayed(before: list[dict[str, Any]], seen: list[tuple[float, str, dict[str, Any]]]) -> None:
    """None was deleted, made anew, or without one of its values for a moment."""
    known = {secret["metadata"]["name"]: secret for secret in before}
    for _, kind, secret in seen:
        name = secret["metadata"]["name"]
        check(kind == "MODIFIED", f"Secret {name}: {kind}")
        check(secret["metadata"]["uid"] == known[name]["metadata"]["uid"], f"Secret {name} is another one")
        values = secret.get("data", {})
        check(all(values.get(key) for key in known[name].get("data", {})), f"Secret {name} lost a value")


def stayed_ready(seen: list[tuple[float, str, dict[str, Any]]]) -> None:
    check(bool(seen), "no sync was seen to change")
    for _, _, sync in seen:
        name, ready, synced = sync["metadata"]["name"], condition(sync, "Ready"), condition(sync, "Synced")
        check(ready.get("status") == "True", f"{name}: {ready}")
        # Whoever leads anew says nothing of a vault that it has not looked at.
        check(name != "losing" or synced.get("status") == "False", f"{name}: {synced}")
