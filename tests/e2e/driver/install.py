"""The images run, and the chart is installed."""

from pathlib import Path

import azure
from azure import restricted
from cluster import KINDS, SYSTEM
from logs import Logs
from waiting import check
from world import World


def simulator(world: World) -> None:
    """the simulator's image serves under Pod Security restricted and is seeded by its admin API"""
    world.azure = azure.start(world.cluster)


def release(world: World) -> None:
    """helm installs two replicas by digest under Pod Security restricted; both are ready and one leads"""
    cluster = world.cluster
    cluster.apply(restricted(SYSTEM))
    world.logs = Logs(cluster, world.folder / "operator-logs")
    authority = world.azure.text("GET", "/ca.pem")
    metadata = {"name": "simulator-ca", "namespace": SYSTEM}
    cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}})
    world.install()
    pods = world.pods()
    check(len(pods) == 2, f"there are {len(pods)} pods")
    for pod in pods:
        image = pod["spec"]["containers"][0]["image"]
        check(image.endswith(world.digest), f"the pod runs {image}")
    leads = world.leader()
    metrics = {pod["metadata"]["name"]: metric(world, pod["metadata"]["name"], "lakevault_leader") for pod in pods}
    check(metrics == {name: float(name == leads) for name in metrics}, f"{leads} has the lease, and metrics say {metrics}")
    for pod in pods:
        name = pod["metadata"]["name"]
        role = "leads" if name == leads else "stands by"
        world.report.figure(f"memory after the start, the replica that {role}: {resident(world, name) // 1024} MiB resident")


def metric(world: World, pod: str, name: str) -> float:
    text = world.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/pods/{pod}:8080/proxy/metrics")
    [line] = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


def process(world: World, pod: str) -> int:
    """The id of the operator's process in a pod, by the id of its container."""
    status = world.cluster.get("pods", SYSTEM, pod)["status"]["containerStatuses"][0]
    container = status["containerID"].split("://")[1]
    for cgroup in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            if container in cgroup.read_text():
                return int(cgroup.parent.name)
        except OSError:
            # It has ended since.
            continue
    raise AssertionError(f"no process is in container {container}")


def resident(world: World, pod: str) -> int:
    """Its memory in KiB."""
    status = Path(f"/proc/{process(world, pod)}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def definitions(world: World) -> None:
    """each kind is served and explained"""
    for kind in KINDS:
        world.cluster.wait(None, f"crd/{kind}.lakevault.dev", "Established")
        told = world.cluster.kubectl("explain", f"{kind}.spec")
        check("DESCRIPTION" in told and "<no description>" not in told, told)
