"""The cluster of one node: kubectl and helm as users have them, and its API for what is looked at often."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from waiting import LONG, Unmet, check, until

ADDRESS = "10.64.0.1"
SYSTEM = "lakevault-system"

GROUPS = {
    "api/v1": ["pods", "secrets", "events", "namespaces", "configmaps"],
    "apis/apps/v1": ["deployments", "replicasets"],
    "apis/coordination.k8s.io/v1": ["leases"],
    "apis/apiextensions.k8s.io/v1": ["customresourcedefinitions"],
    "apis/lakevault.dev/v1alpha1": [
        "vaultsecretsyncs", "azureidentities", "clusterazureidentities", "keyvaults", "datalakeaccounts",
    ],
}
KINDS = GROUPS["apis/lakevault.dev/v1alpha1"]


class Refused(Exception):
    """The API server's refusal."""

    def __init__(self, code: int, text: str):
        super().__init__(f"{code}: {text}")
        self.code = code


def path(kind: str, namespace: str | None, name: str | None = None) -> str:
    [group] = [group for group, kinds in GROUPS.items() if kind in kinds]
    within = f"/namespaces/{namespace}" if namespace else ""
    return f"/{group}{within}/{kind}" + (f"/{name}" if name else "")


class Cluster:
    def __init__(self, folder: Path):
        self.folder = folder
        pki = folder / "pki"
        self.tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    # Programs.

    def run(self, *words: str, text: str | None = None, seconds: float = LONG) -> str:
        """Runs a program that must succeed."""
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=seconds + 30, check=False)
        check(done.returncode == 0, f"{' '.join(words)}\n  ended with {done.returncode}: {done.stderr.strip()} {done.stdout.strip()}")
        return done.stdout

    def kubectl(self, *words: str, text: str | None = None, seconds: float = LONG) -> str:
        return self.run("kubectl", *words, text=text, seconds=seconds)

    def helm(self, *words: str) -> str:
        return self.run("helm", *words)

    def apply(self, *manifests: dict[str, Any]) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "--server-side", "--filename=-", text=json.dumps(everything))

    def wait(self, namespace: str | None, what: str, condition: str = "Ready") -> None:
        """As a user waits."""
        where = ["--namespace", namespace] if namespace else []
        self.kubectl(*where, "wait", what, f"--for=condition={condition}", f"--timeout={LONG}s")

    # The API.

    def connect(self, seconds: float = 20) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(ADDRESS, 443, context=self.tls, timeout=seconds)

    def call(self, method: str, where: str, body: Any = None, kind: str = "application/json") -> dict[str, Any]:
        connection = self.connect()
        try:
            connection.request(method, where, body and json.dumps(body), {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(answer.status, text[:500])
        return json.loads(text)

    def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any]:
        return self.call("GET", path(kind, namespace, name))

    def find(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        try:
            return self.get(kind, namespace, name)
        except Refused as refused:
            if refused.code != 404:
                raise
            return None

    def list(self, kind: str, namespace: str | None, labels: str = "") -> list[dict[str, Any]]:
        return self.call("GET", path(kind, namespace) + (f"?labelSelector={labels}" if labels else ""))["items"]

    def patch(self, kind: str, namespace: str | None, name: str, change: Any) -> dict[str, Any]:
        return self.call("PATCH", path(kind, namespace, name), change, "application/merge-patch+json")

    # What is often asked.

    def values(self, namespace: str, name: str) -> dict[str, str]:
        secret = self.find("secrets", namespace, name)
        if secret is None:
            raise Unmet(f"there is no Secret {namespace}/{name}")
        return {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}

    def holds(self, namespace: str, name: str, wanted: dict[str, str], seconds: float = LONG) -> None:
        """Waits until a Secret has these keys with these values."""

        def look() -> None:
            there = self.values(namespace, name)
            if not wanted.items() <= there.items():
                raise Unmet(f"{name} holds {there}")

        until(f"Secret {namespace}/{name} with {wanted}", look, seconds)

    def gone(self, kind: str, namespace: str | None, name: str) -> None:
        def look() -> None:
            if there := self.find(kind, namespace, name):
                raise Unmet(f"it has the finalizers {there['metadata'].get('finalizers')}, status {there.get('status')}")

        until(f"the end of {kind} {namespace}/{name}", look)

    def says(self, kind: str, namespace: str | None, name: str, type_: str, status: str, reason: str = "") -> str:
        """Waits for a condition of the newest spec. Gives back its message."""

        def look() -> str:
            there = self.get(kind, namespace, name)
            told = there.get("status", {})
            found = condition(there, type_)
            current = told.get("observedGeneration") == there["metadata"]["generation"]
            if not (current and found.get("status") == status and reason in ("", found.get("reason"))):
                raise Unmet(f"{found or told}")
            return found.get("message", "")

        return until(f"{kind} {namespace}/{name}: {type_} is {status} {reason}", look)

    def look_now(self, namespace: str, name: str, word: str) -> None:
        """Asks a sync to look at its vault, and waits until it has."""
        self.patch("vaultsecretsyncs", namespace, name, {"metadata": {"annotations": {"lakevault.dev/sync-at": word}}})

        def look() -> None:
            handled = self.get("vaultsecretsyncs", namespace, name).get("status", {}).get("handledSyncAt")
            if handled != word:
                raise Unmet(f"it has handled {handled}")

        until(f"a look at the vault for {namespace}/{name}", look)


def condition(there: dict[str, Any], type_: str) -> dict[str, Any]:
    conditions = there.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == type_), {})


class Watch:
    """Every version of some objects from now on, with the moment at which it was seen."""

    def __init__(self, cluster: Cluster, where: str):
        listed = cluster.call("GET", where)
        self.cluster = cluster
        self.where = where
        self.version = listed["metadata"]["resourceVersion"]
        self.now = listed["items"]
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        self.broken: Exception | None = None
        self.over = False
        self.open()
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def open(self) -> None:
        self.connection = self.cluster.connect(seconds=3600)
        options = f"watch=1&resourceVersion={self.version}&allowWatchBookmarks=true&timeoutSeconds=3600"
        self.connection.request("GET", f"{self.where}?{options}")
        self.answer = self.connection.getresponse()

    def follow(self) -> None:
        """The API server ends a watch where the definition of its kind changes; it goes on from where it was, and misses nothing."""
        while not self.over:
            try:
                while line := self.answer.readline():
                    self.note(json.loads(line))
                if not self.over:
                    time.sleep(0.1)
                    self.open()
            except Exception as error:  # pylint: disable=broad-exception-caught
                # Told by stop(), unless it is its own doing.
                self.broken = error
                return

    def note(self, event: dict[str, Any]) -> None:
        if event["type"] == "ERROR":
            raise Refused(event["object"].get("code", 0), str(event["object"].get("message")))
        self.version = event["object"]["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            self.seen.append((time.time(), event["type"], event["object"]))

    def stop(self) -> list[tuple[float, str, dict[str, Any]]]:
        """Ends it, and gives back what was seen. A watch that ended before has not seen all."""
        broken, self.over = self.broken, True
        if self.connection.sock:
            # Closing it would wait for the thread that reads.
            self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=10)
        check(broken is None, f"a watch ended early: {broken}")
        return list(self.seen)
