"""Users, a native application and a stack with ADFS, for the tests of sign-ins by people and by older clients."""

import base64
import json

from conftest import CLIENT, OBJECT, SECRET, TENANT, VAULT

NATIVE = "44444444-4444-4444-4444-444444444444"
USER = "ada@contoso.onmicrosoft.com"
USER_OBJECT = "55555555-5555-5555-5555-555555555555"
STRICT_USER = "grace@contoso.onmicrosoft.com"
PASSWORD = "pa ss+word&1"
ADFS = "https://adfs.local.azurestack.sim.test/adfs"


def seed_users(simulator):
    simulator.admin("POST", "/seed", {"tenants": [{
        "id": TENANT,
        "applications": [{"clientId": NATIVE, "publicClient": True}],
        "users": [
            {"username": USER, "password": PASSWORD, "objectId": USER_OBJECT},
            {"username": STRICT_USER, "password": PASSWORD, "mfa": True},
        ],
    }]})


def seed_stack(simulator, certificate):
    """A stack with ADFS; the application has a secret and a certificate there, and a vault on it and one in Azure."""
    seed_users(simulator)
    simulator.admin("POST", "/seed", {
        "tenants": [{"id": TENANT, "applications": [{
            "clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}],
            "certificates": [{"pem": certificate.public_pem}],
        }]}],
        "stacks": [{"region": "local", "identityProvider": "ADFS", "tenantId": TENANT}],
        "vaults": [
            {"name": "kv-stack", "stack": "local", "tenantId": TENANT, "accessPolicies": [
                {"objectId": each, "secrets": ["list"]} for each in (OBJECT, USER_OBJECT)
            ]},
            {"name": VAULT, "tenantId": TENANT, "roleAssignments": [
                {"principalId": each, "role": "Key Vault Secrets Officer"}
                for each in (OBJECT, USER_OBJECT)
            ]},
        ],
    })


def decide(simulator, user_code, action="approve"):
    """Plays the person at the device page."""
    body = {"userCode": user_code, "username": USER, "action": action}
    simulator.admin("POST", "/devicecode", body)


def claims(token):
    """What an access token says."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def grants(simulator):
    """The grant types that were asked for since the recordings were cleared."""
    forms = (request["form"] for request in simulator.admin("GET", "/recordings"))
    return [form["grant_type"] for form in forms if "grant_type" in form]
