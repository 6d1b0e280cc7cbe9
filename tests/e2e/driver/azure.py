"""The simulator that stands for Azure, in a pod, and what it is told there is."""

import http.client
import json
from typing import Any

from cluster import ADDRESS, SYSTEM, Cluster
from waiting import Unmet, check, until

NAMESPACE = "azure"
ADMIN_PORT = 8444
TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "55555555-5555-5555-5555-555555555555"
# Of the samples in deploy/samples.
SHOP, REPORTS, SHARED = (f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "234")
# The operator's own, that of a ServiceAccount, and one that manages resources.
OWN, PAYMENTS, MANAGER = (f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "678")

DEMO_VAULT, VAULT, KEY_VAULT, LAKE = "kv-demo", "kv-shop", "kv-e2e", "lakee2e"
MANAGER_SECRET = "planted-value-of-the-manager"

CLOUD = {
    "custom": {
        "authorityHost": "https://login.sim.test",
        "keyVault": {"dnsSuffix": "vault.sim.test"},
        "resourceManager": {"endpoint": "https://management.sim.test"},
        "storage": {"suffix": "storage.sim.test", "dataLakeStoreSuffix": "azuredatalakestore.sim.test"},
    }
}

# Names have no other way to an address here.
HOSTS = [
    "login.sim.test",
    "management.sim.test",
    *(f"{vault}.vault.sim.test" for vault in (DEMO_VAULT, VAULT, KEY_VAULT)),
    *(f"{LAKE}.{service}.storage.sim.test" for service in ("dfs", "blob")),
]


def principal(client: str) -> str:
    """The object id of an application."""
    return f"aaaaaaaa{client[8:]}"


class Simulator:
    def __init__(self, address: str):
        self.address = address
        self.planted = {MANAGER_SECRET}

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

    def put(self, vault: str, name: str, value: str) -> None:
        """A new version, as a rotation."""
        self.planted.add(value)
        self.call("PUT", f"/vaults/{vault}/secrets/{name}", {"value": value})

    def seed(self) -> None:
        document = seed()
        for vault in document["vaults"]:
            self.planted.update(secret["value"] for secret in vault["secrets"])
        self.call("POST", "/seed", document)


def application(client: str, secret: str | None = None, subject: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"clientId": client, "objectId": principal(client)}
    if secret:
        made["secrets"] = [{"value": secret}]
    if subject:
        audience = "api://AzureADTokenExchange"
        trusted = {"name": "e2e", "issuer": f"https://{ADDRESS}", "subject": f"system:serviceaccount:{subject}", "audience": audience}
        made["federatedCredentials"] = [trusted]
    return made


def vault(name: str, roles: list[tuple[str, str]], secrets: dict[str, str]) -> dict[str, Any]:
    role = "Key Vault Secrets User"
    return {
        "name": name, "tenantId": TENANT, "subscriptionId": SUBSCRIPTION, "resourceGroup": "demo", "location": "westeurope",
        "authorization": "RBAC",
        "roleAssignments": [{"principalId": principal(who), "role": role, "scope": scope} for who, scope in roles],
        "secrets": [{"name": key, "value": value} for key, value in secrets.items()],
    }


def seed() -> dict[str, Any]:
    manages = ("Contributor", "Role Based Access Control Administrator", "Key Vault Secrets Officer", "Storage Blob Data Owner")
    return {
        # The API server's CA, as each pod has it.
        "issuers": [{"issuer": f"https://{ADDRESS}", "caFile": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"}],
        "tenants": [{"id": TENANT, "name": "contoso.onmicrosoft.com", "applications": [
            application(SHOP, secret="for-the-demo-only"),
            application(REPORTS, subject="demo:reports"),
            application(SHARED, secret="for-the-demo-only-too"),
            application(OWN, subject=f"{SYSTEM}:lakevault"),
            application(PAYMENTS, subject="shop:payments"),
            application(MANAGER, secret=MANAGER_SECRET),
        ]}],
        "subscriptions": [{
            "id": SUBSCRIPTION, "tenantId": TENANT, "resourceGroups": [{"name": "rg", "location": "westeurope"}],
            "roleAssignments": [{"principalId": principal(MANAGER), "role": role} for role in manages],
        }],
        "vaults": [
            vault(DEMO_VAULT, [
                (SHOP, "/"), (REPORTS, "/secrets/reports-db"), (REPORTS, "/secrets/reports-licence"), (SHARED, "/secrets/smtp-password"),
            ], {
                "shop-db-password": "planted-value-horse",
                "shop-api-key": "planted-value-key",
                "reports-db": '{"host": "db.example.com", "user": {"name": "reporter", "password": "planted-value-staple"}}',
                "reports-licence": "TGljZW5zZWQgdG8gdGhlIGRlbW8K",
                "smtp-password": "planted-value-pigeon",
            }),
            vault(VAULT, [(OWN, "/"), (PAYMENTS, "/")], {
                "db-password": "planted-value-1", "kept": "planted-value-kept", "loop": "planted-value-loop-0",
            }),
        ],
    }


def start(cluster: Cluster) -> Simulator:
    """Runs the simulator's image in a namespace of its own."""
    labels = {"app": "simulator"}
    pod = {
        "securityContext": {
            "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 65532,
            # Azure's port without root.
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "443"}],
        },
        "containers": [{
            "name": "simulator", "image": "localhost/lakevault-simulator", "imagePullPolicy": "Never",
            "args": ["--dir=/data", "--listen=0.0.0.0:443", f"--admin=0.0.0.0:{ADMIN_PORT}"],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": ADMIN_PORT}, "periodSeconds": 1},
            "securityContext": {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    cluster.apply(restricted(NAMESPACE), {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "simulator", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    })

    def address() -> str:
        for one in cluster.list("pods", NAMESPACE, "app=simulator"):
            if one["status"].get("podIP") and any(
                c["type"] == "Ready" and c["status"] == "True" for c in one["status"].get("conditions", [])
            ):
                return one["status"]["podIP"]
        raise Unmet("its pod is not ready")

    simulator = Simulator(until("the simulator", address))
    simulator.seed()
    return simulator


def restricted(name: str) -> dict[str, Any]:
    """A namespace whose pods must keep to the strictest Pod Security standard."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
