"""What the steps share."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure import CLOUD, MANIFESTS, OWN, TENANT, VAULT, Simulator
from cluster import SYSTEM, Cluster
from logs import Logs
from report import Report
from waiting import Unmet, until

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "charts" / "lakevault"
SELECTOR = "app.kubernetes.io/name=lakevault"
# Where the operator finds the token that the kubelet keeps fresh for it.
TOKENS = "/var/run/secrets/azure/tokens"


@dataclass
class World:
    cluster: Cluster
    report: Report
    folder: Path
    # Of the operator's image: the one that was built, and the same program as another version.
    digest: str
    next_digest: str
    azure: Simulator = field(init=False)
    logs: Logs = field(init=False)
    # How often `api` was restarted by now.
    restarts: int = 0

    def values(self) -> list[str]:
        """The values of the chart: those that lead to the simulator, and what docs/installation.md tells besides."""
        values = self.folder / "values.json"
        values.write_text(json.dumps(VALUES))
        files = [f"--values={file}" for file in (MANIFESTS / "values.yaml", values)]
        return [*files, "--set", f"hostAliases[0].ip={self.azure.address}"]

    def pods(self) -> list[dict[str, Any]]:
        """The operator's pods, but for those that are about to go."""
        there = self.cluster.list("pods", SYSTEM, SELECTOR)
        return [pod for pod in there if "deletionTimestamp" not in pod["metadata"]]

    def lease(self) -> dict[str, Any]:
        return self.cluster.get("leases", SYSTEM, "lakevault")["spec"]

    def leader(self) -> str:
        """The name of the pod that leads."""

        def look() -> str:
            lease = self.cluster.find("leases", SYSTEM, "lakevault")
            holder = (lease or {}).get("spec", {}).get("holderIdentity", "")
            names = [pod["metadata"]["name"] for pod in self.pods()]
            if found := [name for name in names if holder.startswith(name)]:
                return found[0]
            raise Unmet(f"the lease is held by {holder!r}, and there are {names}")

        return until("a leader", look)

    def install(self) -> None:
        """The release, and both replicas ready."""
        self.cluster.helm(
            "install", "lakevault", str(CHART), "--namespace", SYSTEM, *self.values(), "--set", f"image.digest={self.digest}",
        )
        self.rolled_out()

    def rolled_out(self) -> None:
        self.cluster.kubectl("--namespace", SYSTEM, "rollout", "status", "deployment/lakevault", "--timeout=180s")


VALUES = {
    "operator": {"logLevel": "info,lakevault=debug"},
    "tokenRequests": {"serviceAccounts": ["payments"]},
    "workloadIdentity": {"enabled": True, "clientId": OWN, "tenantId": TENANT},
    # The rest is what the webhook of Azure Workload Identity makes of that; it is not here.
    "extraEnv": [
        {"name": "AZURE_CLIENT_ID", "value": OWN},
        {"name": "AZURE_TENANT_ID", "value": TENANT},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.sim.test"},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": f"{TOKENS}/azure-identity-token"},
    ],
    "extraVolumes": [{"name": "azure-identity-token", "projected": {"sources": [{"serviceAccountToken": {
        "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "azure-identity-token",
    }}]}}],
    "extraVolumeMounts": [{"name": "azure-identity-token", "mountPath": TOKENS, "readOnly": True}],
}


def identity(kind: str, name: str, namespace: str | None, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "lakevault.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": {"cloud": CLOUD} | spec}


def sync(name: str, namespace: str, by: dict[str, str], data: dict[str, str], **more: Any) -> dict[str, Any]:
    """A VaultSecretSync of secrets by their keys."""
    spec = {
        "vaultUri": f"https://{VAULT}.vault.sim.test", "identityRef": by,
        "data": [{"key": key, "secret": {"name": secret}} for key, secret in data.items()],
    }
    return {
        "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec | more,
    }
