"""Identities sign in with what Kubernetes really gives them, and syncs bring what they may read."""

import base64
import json

from azure import OWN, PAYMENTS, TENANT, VAULT, restricted
from cluster import ADDRESS, SYSTEM
from waiting import check
from world import ROOT, World, identity, sync


def samples(world: World) -> None:
    """deploy/samples as they are: all become Ready, and the Secrets hold what the vault has"""
    cluster = world.cluster
    cluster.kubectl("apply", "--server-side", "--filename", str(ROOT / "deploy" / "samples"))
    syncs = ("shop", "reports", "mailer-password", "web-tls", "shop-config", "worker")
    for what in ("azureidentity/main", "azureidentity/federated", *(f"vss/{name}" for name in syncs)):
        cluster.wait("demo", what)
    cluster.wait(None, "clusterazureidentity/shared")
    cluster.holds("demo", "shop", {"DB_PASSWORD": "horse", "API_KEY": "demo-key-1"})
    cluster.holds("demo", "reports-login", {
        "username": "reporter", "password": "staple", "licence.txt": "Licensed to the demo\n",
    })
    cluster.holds("demo", "mailer", {"SMTP_USER": "mailer@example.com", "SMTP_PASSWORD": "pigeon"})


def own(world: World) -> None:
    """workload identity of the operator itself, by the token that the kubelet projects into its pod"""
    cluster = world.cluster
    allow = [{"namespaces": {"names": ["shop"]}, "vaults": [VAULT]}]
    cluster.apply(
        restricted("shop"),
        identity("ClusterAzureIdentity", "operator", None, {"workloadIdentity": {}, "allow": allow}),
        sync("lent", "shop", {"kind": "ClusterAzureIdentity", "name": "operator"}, {"KEPT": "kept"}),
    )
    cluster.wait(None, "clusterazureidentity/operator")
    cluster.wait("shop", "vss/lent")
    cluster.holds("shop", "lent", {"KEPT": "planted-value-kept"})
    signed_in(world, OWN)


def of_account(world: World) -> None:
    """workload identity of a ServiceAccount, by a token that the API server makes for the operator"""
    cluster = world.cluster
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "payments", "namespace": "shop"}},
        identity("AzureIdentity", "payments", "shop", {
            "tenantId": TENANT, "clientId": PAYMENTS, "workloadIdentity": {"serviceAccountName": "payments"},
        }),
        sync("shop", "shop", {"name": "payments"}, {"DB_PASSWORD": "db-password"}, refreshInterval="10s",
             rollout=[{"kind": "Deployment", "name": "api"}]),
    )
    cluster.wait("shop", "azureidentity/payments")
    cluster.wait("shop", "vss/shop")
    cluster.holds("shop", "shop", {"DB_PASSWORD": "planted-value-1"})
    signed_in(world, PAYMENTS)


def signed_in(world: World, client: str) -> None:
    """What the simulator was shown: a token of the API server's own issuer, for this purpose alone."""
    posts = [one for one in world.azure.call("GET", "/recordings") if client in json.dumps(one)]
    assertions = [one["form"]["client_assertion"] for one in posts if "client_assertion" in (one.get("form") or {})]
    check(bool(assertions), f"{client} has shown no token; seen are {len(posts)} requests")
    payload = assertions[-1].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    subject = f"{SYSTEM}:lakevault" if client == OWN else "shop:payments"
    shown = (claims["iss"], claims["aud"], claims["sub"])
    wanted = (f"https://{ADDRESS}", ["api://AzureADTokenExchange"], f"system:serviceaccount:{subject}")
    check(shown == wanted, f"the token says {shown}")
    # A token of the kubelet's is bound to its pod.
    bound = "pod" in claims["kubernetes.io"]
    check(bound == (client == OWN), f"the token is bound to {claims['kubernetes.io']}")
    world.azure.planted.update(assertions)
