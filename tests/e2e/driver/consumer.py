"""Pods that consume a Secret: as an environment variable, and as a file."""

import http.client
from typing import Any

from cluster import Cluster
from waiting import Unmet, check, until
from world import World

REVISION = "deployment.kubernetes.io/revision"


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {
        "name": "reader", "image": "localhost/reader:1", "imagePullPolicy": "Never",
        "args": ["DB_PASSWORD", "/secret/DB_PASSWORD"],
        "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "DB_PASSWORD"}}}],
        "volumeMounts": [{"name": "secret", "mountPath": "/secret", "readOnly": True}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container], "volumes": [{"name": "secret", "secret": {"secretName": "shop"}}],
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def pod_of(cluster: Cluster, name: str) -> dict[str, Any]:
    """The one pod of a Deployment."""

    def look() -> dict[str, Any]:
        pods = cluster.list("pods", "shop", f"app={name}")
        if len(pods) != 1 or "podIP" not in pods[0]["status"]:
            raise Unmet(f"it has {len(pods)} pods")
        return pods[0]

    return until(f"the one pod of {name}", look)


def told(pod: dict[str, Any]) -> dict[str, str]:
    """What the program in a pod says: `variable` and `file`."""
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 8080, timeout=10)
    try:
        connection.request("GET", "/")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return dict(line.split(" ", 1) for line in text.splitlines())


def reads(cluster: Cluster, name: str, wanted: dict[str, str]) -> dict[str, Any]:
    """Waits until the one pod of a Deployment says so, and gives back the pod."""

    def look() -> dict[str, Any]:
        pod = pod_of(cluster, name)
        if (there := told(pod)) != wanted:
            raise Unmet(f"{pod['metadata']['name']} reads {there}")
        return pod

    return until(f"{name} to read {wanted}", look)


def revision(cluster: Cluster, name: str) -> tuple[int, int, int]:
    """How often a Deployment's pods were replaced, by three who must agree: its generation, its revision, its ReplicaSets."""
    there = cluster.get("deployments", "shop", name)
    sets = cluster.list("replicasets", "shop", f"app={name}")
    return there["metadata"]["generation"], int(there["metadata"]["annotations"][REVISION]), len(sets)


def start(world: World) -> None:
    """a Deployment reads the Secret as an environment variable and as a mounted file"""
    cluster = world.cluster
    cluster.apply(deployment("api"), deployment("watcher"))
    for name in ("api", "watcher"):
        cluster.kubectl("--namespace", "shop", "rollout", "status", f"deployment/{name}", "--timeout=180s")
        reads(cluster, name, {"variable": "planted-value-1", "file": "planted-value-1"})
        check(revision(cluster, name) == (1, 1, 1), f"{name}: {revision(cluster, name)}")


def rotation(world: World) -> None:
    """a rotation in the vault restarts the Deployment exactly once, and its new pod has the new value"""
    cluster = world.cluster
    world.azure.put("db-password", "planted-value-2")
    reads(cluster, "api", {"variable": "planted-value-2", "file": "planted-value-2"})
    cluster.says("vaultsecretsyncs", "shop", "shop", "RolledOut", "True", "RolledOut")
    cluster.kubectl("--namespace", "shop", "rollout", "status", "deployment/api", "--timeout=180s")
    world.restarts += 1
    # One that were to come a second time would come with a later look; nothing is to be seen of it after two of them.
    for word in ("first", "second"):
        cluster.look_now("shop", "shop", word)
        once(world)


def once(world: World) -> None:
    """`api` was restarted so often as there were rotations, and `watcher` never."""
    wanted = (1 + world.restarts,) * 3
    there = revision(world.cluster, "api")
    check(there == wanted, f"generation, revision and ReplicaSets of api are {there}, not {wanted}")
    there = revision(world.cluster, "watcher")
    check(there == (1, 1, 1), f"generation, revision and ReplicaSets of watcher are {there}")


def file(world: World) -> None:
    """the mounted file follows the rotation in a pod that is not restarted"""
    pod = reads(world.cluster, "watcher", {"variable": "planted-value-1", "file": "planted-value-2"})
    restarts = pod["status"]["containerStatuses"][0]["restartCount"]
    check(restarts == 0, f"its container was started again {restarts} times")
