"""No planted value is in anything that the operator tells."""

import base64
import json
from urllib.parse import quote

from cluster import KINDS, SYSTEM
from waiting import check
from world import World


def forms(world: World) -> list[str]:
    """Each value as it is, as JSON, in a URL, and as base64 may begin with it at each of three offsets."""
    found: set[str] = set()
    for value in world.azure.planted | {"planted-value-"}:
        found.update((value, json.dumps(value)[1:-1], quote(value, safe="")))
        for offset in range(3):
            padded = base64.b64encode(b"x" * offset + value.encode()).decode()
            found.add(padded[4 if offset else 0 : -4] if len(padded) > 16 else padded)
    # Less than this is in anything.
    return sorted(form for form in found if len(form) > 4)


def told_nowhere(world: World, said: dict[str, str]) -> None:
    for what, text in said.items():
        for form in forms(world):
            at = text.find(form)
            check(at < 0, f"a planted value is in {what}: …{text[max(0, at - 200) : at]}")


def objects(world: World) -> None:
    """no planted value is in Events, in our objects, in metadata of Secrets, or in metrics"""
    cluster = world.cluster
    said = {kind: json.dumps(cluster.list(kind, None)) for kind in (*KINDS, "events")}
    said["metadata of Secrets"] = json.dumps([secret["metadata"] for secret in cluster.list("secrets", None)])
    for pod in world.pods():
        name = pod["metadata"]["name"]
        said[f"metrics of {name}"] = cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{SYSTEM}/pods/{name}:8080/proxy/metrics")
    told_nowhere(world, said | world.logs.previous())


def logs(world: World) -> None:
    """no planted value is in what any replica has logged in the whole run, and none has panicked"""
    said = world.logs.stop()
    led = [name for name, text in said.items() if '"Leads"' in text]
    check(bool(led), f"none of {list(said)} has led")
    told_nowhere(world, said)
    for name, text in said.items():
        check("Stands by" in text and "panicked" not in text, f"{name}: {text[-2000:]}")
