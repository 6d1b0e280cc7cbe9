"""A KeyVault and a DataLakeAccount become Ready in Azure, and are let go as their policies say."""

from typing import Any

from azure import KEY_VAULT, LAKE, OWNER, OWNER_OBJECT, OWNER_SECRET, SUBSCRIPTION, TENANT, restricted
from waiting import check
from world import World, identity

NAMESPACE = "platform"


def manager() -> list[dict[str, Any]]:
    """A namespace with an identity that may manage resources."""
    metadata = {"name": "sp", "namespace": NAMESPACE}
    return [
        restricted(NAMESPACE),
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"secret": OWNER_SECRET}},
        identity("AzureIdentity", "manager", NAMESPACE, {
            "tenantId": TENANT, "clientId": OWNER, "clientSecret": {"name": "sp", "key": "secret"},
        }),
    ]


def resource(kind: str, name: str, policy: str, **more: Any) -> dict[str, Any]:
    spec = {
        "identityRef": {"name": "manager"}, "subscriptionId": SUBSCRIPTION, "resourceGroup": {"name": "demo"},
        "location": "westeurope", "deletionPolicy": policy,
    }
    return {
        "apiVersion": "lakevault.dev/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec | more,
    }


def itself(role: str) -> list[dict[str, str]]:
    """Gives the identity a role that an owner of the subscription does not have."""
    return [{"principalId": OWNER_OBJECT, "role": role}]


def ready(world: World, kind: str, name: str) -> None:
    world.cluster.wait(NAMESPACE, f"{kind}/{name}", "Synced")
    world.cluster.wait(NAMESPACE, f"{kind}/{name}")


def key_vault(world: World) -> None:
    """a KeyVault is made with a password in it that a sync brings by vaultRef, and is deleted with its object"""
    cluster, azure = world.cluster, world.azure
    cluster.apply(
        *manager(),
        resource("KeyVault", KEY_VAULT, "Delete", secrets=[{"name": "made-up"}], roleAssignments=itself("Key Vault Secrets Officer")),
        {
            "apiVersion": "lakevault.dev/v1alpha1", "kind": "VaultSecretSync", "metadata": {"name": "made-up", "namespace": NAMESPACE},
            "spec": {
                "vaultRef": {"name": KEY_VAULT}, "identityRef": {"name": "manager"},
                "data": [{"key": "PASSWORD", "secret": {"name": "made-up"}}],
            },
        },
    )
    ready(world, "keyvault", KEY_VAULT)
    cluster.wait(NAMESPACE, "vss/made-up")
    password = cluster.values(NAMESPACE, "made-up")["PASSWORD"]
    check(len(password) == 32, "the password is not as long as it should be")
    azure.planted.add(password)
    # A vault that a sync names stays.
    cluster.kubectl("--namespace", NAMESPACE, "delete", "vss", "made-up", "--timeout=180s")
    cluster.kubectl("--namespace", NAMESPACE, "delete", "keyvault", KEY_VAULT, "--timeout=180s")
    deleted = azure.call("GET", "/deletedvaults")["deletedVaults"]
    check(KEY_VAULT in deleted, f"deleted vaults are {deleted}")


def lake(world: World) -> None:
    """a DataLakeAccount is made with a filesystem and a directory, and stays in Azure when its object goes"""
    cluster, azure = world.cluster, world.azure
    filesystems = [{"name": "raw", "directories": [{"path": "sales/2026", "permissions": "rwxr-x---"}]}]
    cluster.apply(*manager(), resource(
        "DataLakeAccount", LAKE, "Retain", filesystems=filesystems, roleAssignments=itself("Storage Blob Data Owner"),
    ))
    ready(world, "datalakeaccount", LAKE)
    where = f"/filesystems/{LAKE}/raw/path?path=sales/2026"
    check(azure.call("GET", where)["permissions"].startswith("rwxr-x---"), f"{azure.call('GET', where)}")
    check("lakevault-owner" in tags(world), "nobody's name is on it")
    cluster.kubectl("--namespace", NAMESPACE, "delete", "datalakeaccount", LAKE, "--timeout=180s")
    check("lakevault-owner" not in tags(world), "our name is still on it")
    azure.call("GET", where)


def tags(world: World) -> dict[str, str]:
    return world.azure.call("GET", f"/storageaccounts/{LAKE}")["account"].get("tags") or {}
