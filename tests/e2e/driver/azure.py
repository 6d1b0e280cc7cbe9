"""The simulator that stands for Azure, in a pod (deploy/simulator), and what it is told there."""

import http.client
import json
import shutil
from pathlib import Path
from typing import Any

from cluster import ADDRESS, SYSTEM, Cluster
from waiting import Unmet, check, until

MANIFESTS = Path(__file__).resolve().parents[3] / "deploy" / "simulator"
NAMESPACE = "azure-simulator"
ADMIN_PORT = 8444
TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "55555555-5555-5555-5555-555555555555"
# The application of the samples that may do everything in the subscription, and its secret.
OWNER, OWNER_SECRET = "22222222-2222-2222-2222-222222222222", "for-the-demo-only"
OWNER_OBJECT = "aaaaaaaa-0000-0000-0000-000000000001"
# The operator's own, and that of a ServiceAccount.
OWN, PAYMENTS = "66666666-6666-6666-6666-666666666666", "77777777-7777-7777-7777-777777777777"
# What values.yaml there has names for.
VAULT, KEY_VAULT, LAKE = "kv-demo", "kv-mine", "lakemine"

CLOUD = {
    "custom": {
        "authorityHost": "https://login.sim.test",
        "keyVault": {"dnsSuffix": "vault.sim.test"},
        "resourceManager": {"endpoint": "https://management.sim.test"},
        "storage": {"suffix": "storage.sim.test", "dataLakeStoreSuffix": "azuredatalakestore.sim.test"},
    }
}


class Simulator:
    def __init__(self, address: str):
        self.address = address
        # What deploy/simulator/seed.yaml has.
        self.planted = {"horse", "demo-key-1", "staple", "pigeon", OWNER_SECRET, f"{OWNER_SECRET}-too"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.text(method, path, body))

    def text(self, method: str, path: str, body: Any = None) -> str:
        connection = http.client.HTTPConnection(self.address, ADMIN_PORT, timeout=20)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        check(answer.status < 300, f"the simulator refuses {method} {path}: {answer.status} {text}")
        return text

    def put(self, name: str, value: str) -> None:
        """A new version, as a rotation."""
        self.planted.add(value)
        self.call("PUT", f"/vaults/{VAULT}/secrets/{name}", {"value": value})

    def seed(self) -> None:
        """What the steps need besides the samples."""
        trusted = [federated(OWN, f"{SYSTEM}:lakevault"), federated(PAYMENTS, "shop:payments")]
        self.call("POST", "/seed", {"tenants": [{"id": TENANT, "applications": trusted}]})
        roles = self.call("GET", f"/vaults/{VAULT}")["vault"]["roleAssignments"]
        roles += [{"principalId": client, "role": "Key Vault Secrets User", "scope": "/"} for client in (OWN, PAYMENTS)]
        self.call("PATCH", f"/vaults/{VAULT}", {"roleAssignments": roles})
        for name, value in (("db-password", "1"), ("kept", "kept"), ("loop", "loop-0")):
            self.put(name, f"planted-value-{value}")


def federated(client: str, account: str) -> dict[str, Any]:
    """An application that trusts a ServiceAccount of this cluster."""
    audience = "api://AzureADTokenExchange"
    trust = {"name": "e2e", "issuer": f"https://{ADDRESS}", "subject": f"system:serviceaccount:{account}", "audience": audience}
    return {"clientId": client, "objectId": client, "federatedCredentials": [trust]}


def start(cluster: Cluster) -> Simulator:
    """As deploy/simulator/README.md tells, with this cluster's issuer."""
    manifests = cluster.folder / "simulator"
    shutil.copytree(MANIFESTS, manifests, dirs_exist_ok=True)
    seed = manifests / "seed.yaml"
    seed.write_text(seed.read_text().replace("https://kubernetes.default.svc.cluster.local", f"https://{ADDRESS}"))
    cluster.kubectl("apply", "--kustomize", str(manifests))
    cluster.kubectl("--namespace", NAMESPACE, "rollout", "status", "deployment/simulator", "--timeout=180s")

    def address() -> str:
        """Its pod's, which is the same address for the operator and for these steps."""
        pods = cluster.list("pods", NAMESPACE)
        if len(pods) != 1 or "podIP" not in pods[0]["status"]:
            raise Unmet(f"it has {len(pods)} pods")
        return str(pods[0]["status"]["podIP"])

    simulator = Simulator(until("the simulator's pod", address))
    simulator.seed()
    return simulator


def restricted(name: str) -> dict[str, Any]:
    """A namespace whose pods must keep to the strictest Pod Security standard."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
