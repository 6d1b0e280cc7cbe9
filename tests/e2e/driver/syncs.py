"""What becomes of Secrets: drift, loss in the vault, deletion. And what users see of syncs by kubectl."""

import base64
import json

from azure import VAULT
from cluster import condition
from waiting import check
from world import World, sync

PAYMENTS = {"name": "payments"}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def drift(world: World) -> None:
    """a Secret that is edited or deleted by hand is repaired"""
    cluster = world.cluster
    value = {"DB_PASSWORD": "planted-value-2"}
    uid = cluster.get("secrets", "shop", "shop")["metadata"]["uid"]
    change = '{"data": {"DB_PASSWORD": "' + encoded("by hand") + '"}}'
    cluster.kubectl("--namespace", "shop", "patch", "secret", "shop", "--type=merge", "--patch", change)
    cluster.holds("shop", "shop", value)
    check(cluster.get("secrets", "shop", "shop")["metadata"]["uid"] == uid, "the Secret was made anew")
    cluster.kubectl("--namespace", "shop", "delete", "secret", "shop")
    cluster.holds("shop", "shop", value)
    # A repair restarts nothing.
    cluster.look_now("shop", "shop", "after the repair")
    cluster.says("vaultsecretsyncs", "shop", "shop", "Synced", "True")


def loss(world: World) -> None:
    """an object that is deleted in the vault stays in the Secret, and the sync says so"""
    cluster = world.cluster
    world.azure.put("lost", "planted-value-last")
    cluster.apply(sync("losing", "shop", PAYMENTS, {"K": "lost", "L": "kept"}))
    wanted = {"K": "planted-value-last", "L": "planted-value-kept"}
    cluster.holds("shop", "losing", wanted)
    world.azure.call("DELETE", f"/vaults/{VAULT}/secrets/lost")
    cluster.look_now("shop", "losing", "lost")
    message = cluster.says("vaultsecretsyncs", "shop", "losing", "Synced", "False", "ObjectNotFound")
    check("lost" in message, message)
    check(cluster.values("shop", "losing") == wanted, "the Secret has changed")
    events = cluster.kubectl("--namespace", "shop", "events", "--for", "vaultsecretsync/losing")
    check("ObjectNotFound" in events, f"no Event tells it:\n{events}")


def policies(world: World) -> None:
    """a deleted sync takes its Secret with it, or leaves it, as its deletionPolicy says"""
    cluster = world.cluster
    for name, policy in (("goes", "Delete"), ("stays", "Retain")):
        target = {"deletionPolicy": policy}
        cluster.apply(sync(name, "shop", PAYMENTS, {"K": "kept"}, target=target))
        cluster.holds("shop", name, {"K": "planted-value-kept"})
        cluster.kubectl("--namespace", "shop", "delete", "vss", name, "--timeout=180s")
    cluster.gone("secrets", "shop", "goes")
    check(cluster.values("shop", "stays") == {"K": "planted-value-kept"}, "the Secret that is to stay has changed")


def conventions(world: World) -> None:
    """kubectl get, describe, diff and apply on the server's side show and change nothing that is not so"""
    cluster = world.cluster
    row = cluster.kubectl("--namespace", "shop", "get", "vss", "shop", "--no-headers").split()
    wanted = [f"https://{VAULT}.vault.sim.test", "shop", "1/1", "True", "True", "UpToDate"]
    check(row[1:7] == wanted, f"kubectl get shows {row}")
    told = cluster.kubectl("--namespace", "shop", "describe", "vss", "shop")
    check("AllKeysPresent" in told and "planted-value" not in told, told)
    spec = sync("shop", "shop", PAYMENTS, {"DB_PASSWORD": "db-password"}, refreshInterval="10s",
                rollout=[{"kind": "Deployment", "name": "api"}])
    before = cluster.get("vaultsecretsyncs", "shop", "shop")
    file = world.folder / "shop.json"
    file.write_text(json.dumps(spec))
    # It ends with 1 where there is a difference.
    cluster.kubectl("diff", "--server-side", "--filename", str(file))
    cluster.kubectl("apply", "--server-side", "--filename", str(file))
    after = cluster.get("vaultsecretsyncs", "shop", "shop")
    check(before["metadata"]["generation"] == after["metadata"]["generation"], "applied again, the spec has changed")
    check(condition(after, "Ready")["status"] == "True", f"{after['status']}")
