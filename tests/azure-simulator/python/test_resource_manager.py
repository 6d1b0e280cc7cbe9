"""azure-mgmt-resource, -subscriptions and -authorization: groups, providers, roles."""

import time
import uuid

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.subscriptions import SubscriptionClient
from conftest import OBJECT, SUBSCRIPTION, TENANT

SCOPE = f"/subscriptions/{SUBSCRIPTION}"


@pytest.fixture
def resources(manager):
    return manager(ResourceManagementClient, SUBSCRIPTION)


@pytest.fixture
def authorization(manager):
    return manager(AuthorizationManagementClient, SUBSCRIPTION)


def test_a_group_comes_and_goes(resources):
    groups = resources.resource_groups
    made = groups.create_or_update("rg-client", {"location": "westeurope", "tags": {"a": "b"}})
    assert (made.location, made.properties.provisioning_state) == ("westeurope", "Succeeded")
    assert groups.check_existence("rg-client") and not groups.check_existence("rg-none")
    assert "rg-client" in [one.name for one in groups.list()]
    with pytest.raises(HttpResponseError) as refused:
        groups.create_or_update("rg-client", {"location": "eastus"})
    assert refused.value.error.code == "InvalidResourceGroupLocation"
    groups.begin_delete("rg-client").result(20)
    with pytest.raises(ResourceNotFoundError):
        groups.get("rg-client")


def test_a_provider_is_registered(resources, simulator):
    seed = {"subscriptions": [{"id": SUBSCRIPTION, "tenantId": TENANT,
                               "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}],
                               "providers": {"Microsoft.KeyVault": "NotRegistered"}}]}
    simulator.admin("POST", "/seed", seed)
    simulator.admin("POST", "/settings", {"registrationMs": 100})
    providers = resources.providers
    assert providers.get("Microsoft.KeyVault").registration_state == "NotRegistered"
    assert providers.register("Microsoft.KeyVault").registration_state == "Registering"
    end = time.monotonic() + 20
    while providers.get("Microsoft.KeyVault").registration_state != "Registered":
        assert time.monotonic() < end
    assert "Microsoft.KeyVault" in [one.namespace for one in providers.list()]


def test_subscriptions_and_tenants_are_listed(manager):
    client = manager(SubscriptionClient)
    shown = {one.subscription_id: one for one in client.subscriptions.list()}[SUBSCRIPTION]
    assert (shown.display_name, shown.state) == ("Tests", "Enabled")
    assert client.subscriptions.get(SUBSCRIPTION).subscription_id == SUBSCRIPTION
    assert [one.tenant_id for one in client.tenants.list()] == [TENANT]
    assert "westeurope" in [one.name for one in client.subscriptions.list_locations(SUBSCRIPTION)]


def test_a_role_opens_a_vault(authorization, manager, credential, simulator):
    vaults = manager(KeyVaultManagementClient, SUBSCRIPTION).vaults
    properties = {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True}
    vault = vaults.begin_create_or_update(
        "rg", "kv-role", {"location": "westeurope", "properties": properties}).result()
    client = SecretClient("https://kv-role.vault.sim.test", credential, retry_total=0)
    with pytest.raises(HttpResponseError):
        client.set_secret("s", "v")
    found = list(authorization.role_definitions.list(SCOPE, filter="roleName eq 'Key Vault Secrets Officer'"))
    assert [role.role_name for role in found] == ["Key Vault Secrets Officer"]
    assert authorization.role_definitions.get_by_id(found[0].id).permissions[0].data_actions == [
        "Microsoft.KeyVault/vaults/secrets/*"]
    assignments = authorization.role_assignments
    name = str(uuid.uuid4())
    wanted = {"role_definition_id": found[0].id, "principal_id": OBJECT, "principal_type": "ServicePrincipal"}
    made = assignments.create(vault.id, name, wanted)
    assert (made.scope, made.principal_id) == (vault.id, OBJECT)
    client.set_secret("s", "v")
    with pytest.raises(HttpResponseError) as refused:
        assignments.create(vault.id, str(uuid.uuid4()), wanted)
    assert refused.value.error.code == "RoleAssignmentExists"
    listed = assignments.list_for_scope(vault.id, filter="atScope()")
    assert name in [one.name for one in listed]
    mine = assignments.list_for_subscription(filter=f"principalId eq '{OBJECT}'")
    assert name in [one.name for one in mine]
    assignments.delete(vault.id, name)
    with pytest.raises(ResourceNotFoundError):
        assignments.get(vault.id, name)
    with pytest.raises(HttpResponseError):
        client.get_secret("s")
    simulator.admin("DELETE", "/vaults/kv-role")


def test_who_has_no_role_is_told(resources, simulator):
    simulator.admin("POST", "/seed", {"subscriptions": [{"id": SUBSCRIPTION, "tenantId": TENANT}]})
    with pytest.raises(HttpResponseError) as refused:
        resources.resource_groups.get("rg")
    assert (refused.value.status_code, refused.value.error.code) == (403, "AuthorizationFailed")
