"""Everything that the operator logs, of each container from its start to its end."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from cluster import SYSTEM, Cluster, Watch, path
from waiting import check


class Logs:
    """Follows the log of every container of the operator's namespace: it goes away with its pod."""

    def __init__(self, cluster: Cluster, folder: Path):
        self.cluster = cluster
        self.folder = folder
        self.followers: dict[str, subprocess.Popen[bytes]] = {}
        self.over = threading.Event()
        folder.mkdir(parents=True, exist_ok=True)
        self.pods = Watch(cluster, path("pods", SYSTEM))
        self.thread = threading.Thread(target=self.look, daemon=True)
        self.thread.start()

    def look(self) -> None:
        looked = 0
        while not self.over.wait(0.1):
            news = [pod for _, _, pod in self.pods.seen[looked:]]
            looked += len(news)
            self.follow_all(news)

    def follow_all(self, pods: list[dict[str, Any]]) -> None:
        for pod in pods:
            for container in containers(pod, "running"):
                self.follow(pod["metadata"]["name"], container)

    def follow(self, pod: str, container: str) -> None:
        if container in self.followers:
            return
        with (self.folder / f"{pod}.{container[:12]}.log").open("wb") as file:
            self.followers[container] = subprocess.Popen(
                ["kubectl", "logs", "--namespace", SYSTEM, "--follow", pod], stdout=file, stderr=subprocess.DEVNULL
            )

    def previous(self) -> dict[str, str]:
        """What containers said that have ended in pods that are still there."""
        told = {}
        for pod in self.cluster.list("pods", SYSTEM):
            name = pod["metadata"]["name"]
            if any(status.get("restartCount") for status in pod["status"].get("containerStatuses", [])):
                told[f"previous log of {name}"] = self.cluster.kubectl("logs", "--namespace", SYSTEM, "--previous", name)
        return told

    def stop(self) -> dict[str, str]:
        """Ends it, and gives back what each container said. They have all ended by now, or said all that matters."""
        self.over.set()
        self.thread.join(timeout=30)
        seen = [pod for _, _, pod in self.pods.stop()]
        self.follow_all(seen)
        deadline = time.monotonic() + 30
        for follower in self.followers.values():
            try:
                follower.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                follower.terminate()
                follower.wait(timeout=10)
        there = {one for pod in seen for one in containers(pod, "running", "terminated")}
        missed = there - self.followers.keys()
        check(not missed, f"of {len(there)} containers these were not followed: {missed}")
        return {file.name: file.read_text() for file in sorted(self.folder.iterdir())}


def containers(pod: dict[str, Any], *states: str) -> list[str]:
    """The ids of a pod's containers that are in one of these states."""
    statuses = pod["status"].get("containerStatuses", [])
    return [status["containerID"].split("://")[1] for status in statuses if status["state"].keys() & set(states)]
