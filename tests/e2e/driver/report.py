"""What is told: a line for each step, and all that helps where one fails."""

import subprocess
import time
from contextlib import contextmanager
from typing import Iterator

from cluster import KINDS, SYSTEM, Cluster


def say(text: str) -> None:
    print(f"e2e: {text}", flush=True)


class Report:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.passed = 0
        self.figures: list[str] = []

    def figure(self, text: str) -> None:
        self.figures.append(text)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            say(f"FAIL {title}: {type(error).__name__}: {error}")
            raise
        self.passed += 1
        say(f"PASS {title} ({time.monotonic() - began:.1f} s)")

    def end(self, failed: int) -> None:
        for figure in self.figures:
            say(f"measured: {figure}")
        say(f"{time.monotonic() - self.began:.0f} s in all")
        say(f"{self.passed} passed, {failed} failed")


def dump(cluster: Cluster) -> None:
    """All that helps to see why a step failed. Nothing here may fail, or take long."""
    every = ["--all-namespaces"]
    for words in (
        ["get", "pods", *every, "--output=wide"],
        ["get", ",".join(KINDS), *every],
        ["get", "events", *every, "--sort-by=.lastTimestamp"],
        ["describe", "pods", "--namespace", SYSTEM],
        ["get", "lease", "--namespace", SYSTEM, "--output=yaml"],
        ["get", ",".join(KINDS), *every, "--output=jsonpath={range .items[*]}{.kind} {.metadata.name}: {.status.conditions}{\"\\n\"}{end}"],
        ["logs", "--namespace=azure-simulator", "deployment/simulator", "--tail=30"],
        ["logs", "--namespace", SYSTEM, "--selector=app.kubernetes.io/name=lakevault", "--prefix", "--tail=60"],
    ):
        print(f"--- kubectl {' '.join(words)}", flush=True)
        try:
            done = subprocess.run(["kubectl", *words], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(error, flush=True)
            continue
        lines = (done.stdout + done.stderr).splitlines()
        print("\n".join(lines[-120:]), flush=True)
