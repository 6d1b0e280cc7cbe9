"""azure-mgmt-keyvault: the life of a vault. Each exchange is checked against the published description, too."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from conftest import OBJECT, OTHER_OBJECT, SUBSCRIPTION, TENANT

NAME = "kv-client"
PLACE = "westeurope"


@pytest.fixture
def vaults(manager, simulator):
    client = manager(KeyVaultManagementClient, SUBSCRIPTION)
    yield client.vaults
    for path in (f"/vaults/{NAME}", f"/deletedvaults/{NAME}"):
        try:
            simulator.admin("DELETE", path)
        except OSError:
            pass  # It is not there.


def body(**properties):
    return {"location": PLACE, "tags": {"who": "tests"}, "properties": {
        "tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "enableRbacAuthorization": True, **properties}}


def create(vaults, **properties):
    return vaults.begin_create_or_update("rg", NAME, body(**properties)).result()


def policy(object_id, *secrets):
    return {"tenantId": TENANT, "objectId": object_id, "permissions": {"secrets": list(secrets)}}


def code(refused):
    return refused.value.status_code, refused.value.error.code


def test_a_vault_lives_dies_and_comes_back(vaults, credential):
    made = create(vaults, softDeleteRetentionInDays=7)
    assert (made.name, made.properties.provisioning_state) == (NAME, "Succeeded")
    assert made.properties.vault_uri == f"https://{NAME}.vault.sim.test/"
    assert vaults.get("rg", NAME).tags == {"who": "tests"}
    changed = vaults.update("rg", NAME, {"tags": {"who": "others"}})
    assert changed.tags == {"who": "others"} and changed.properties.soft_delete_retention_in_days == 7
    vaults.delete("rg", NAME)
    with pytest.raises(ResourceNotFoundError) as refused:
        vaults.get("rg", NAME)
    assert code(refused) == (404, "ResourceNotFound")
    gone = vaults.get_deleted(NAME, PLACE)
    assert gone.properties.vault_id == made.id
    assert (gone.properties.scheduled_purge_date - gone.properties.deletion_date).days == 7
    assert [one.name for one in vaults.list_deleted()] == [NAME]
    with pytest.raises(HttpResponseError) as refused:
        create(vaults)
    assert code(refused) == (409, "ConflictError")
    assert create(vaults, createMode="recover").name == NAME
    vaults.delete("rg", NAME)
    vaults.begin_purge_deleted(NAME, PLACE).result()
    with pytest.raises(ResourceNotFoundError) as refused:
        vaults.get_deleted(NAME, PLACE)
    assert code(refused) == (404, "DeletedVaultNotFound")


@pytest.mark.parametrize("form", ["body", "location", "azureAsyncOperation"])
def test_each_form_of_a_long_operation_is_waited_for(vaults, simulator, form):
    plan = {"form": form, "retryAfter": 0}
    simulator.admin("POST", "/settings", {"vaultCreationMs": 300, "lro": {"vaultPut": plan}})
    poller = vaults.begin_create_or_update("rg", NAME, body(), polling_interval=0.05)
    assert f"{NAME}.vault.sim.test" not in simulator.addresses()
    assert poller.result(20).properties.provisioning_state == "Succeeded"
    assert f"{NAME}.vault.sim.test" in simulator.addresses()


def test_a_failed_operation_is_an_error(vaults, simulator):
    plan = {"form": "azureAsyncOperation", "retryAfter": 0, "error": {"code": "Oops", "message": "it did not work"}}
    simulator.admin("POST", "/settings", {"vaultCreationMs": 100, "lro": {"vaultPut": plan}})
    with pytest.raises(HttpResponseError, match="it did not work"):
        vaults.begin_create_or_update("rg", NAME, body(), polling_interval=0.05).result(20)


def test_access_policies_open_the_vault(vaults, credential, simulator):
    create(vaults, enableRbacAuthorization=False, accessPolicies=[policy(OTHER_OBJECT, "get")])
    client = SecretClient(f"https://{NAME}.vault.sim.test", credential, retry_total=0)
    with pytest.raises(HttpResponseError):
        client.set_secret("s", "v")
    added = vaults.update_access_policy(
        "rg", NAME, "add", {"properties": {"accessPolicies": [policy(OBJECT, "get", "set")]}})
    assert len(added.properties.access_policies) == 2
    client.set_secret("s", "v")
    assert client.get_secret("s").value == "v"
    left = vaults.update_access_policy(
        "rg", NAME, "remove", {"properties": {"accessPolicies": [policy(OBJECT, "get", "set")]}})
    assert [one.object_id for one in left.properties.access_policies] == [OTHER_OBJECT]


def test_networks_are_shown_as_azure_writes_them(vaults):
    subnet = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/X"
    acls = {"defaultAction": "Deny", "ipRules": [{"value": "10.1.2.3"}], "virtualNetworkRules": [{"id": subnet}]}
    made = create(vaults, networkAcls=acls, publicNetworkAccess="Disabled", enablePurgeProtection=True)
    shown = made.properties.network_acls
    assert [rule.value for rule in shown.ip_rules] == ["10.1.2.3/32"]
    assert [rule.id for rule in shown.virtual_network_rules] == [subnet.lower()]
    assert made.properties.public_network_access == "Disabled"
    vaults.delete("rg", NAME)
    with pytest.raises(HttpResponseError) as refused:
        vaults.begin_purge_deleted(NAME, PLACE)
    assert code(refused) == (405, "MethodNotAllowed")


def test_names_are_checked_and_lists_page(vaults, simulator):
    names = [f"kv-page-{n}" for n in range(3)]
    for name in names:
        vaults.begin_create_or_update("rg", name, body()).result()
    assert [one.name for one in vaults.list_by_resource_group("rg", top=2)] == names
    assert [one.name for one in vaults.list_by_subscription(top=1)] == names
    assert [one.name for one in vaults.list()] == names
    check = {"name": names[0], "type": "Microsoft.KeyVault/vaults"}
    assert vaults.check_name_availability(check).reason == "AlreadyExists"
    assert vaults.check_name_availability({**check, "name": "kv-free"}).name_available
    for name in names:
        simulator.admin("DELETE", f"/vaults/{name}")


def test_secrets_are_written_without_the_data_plane(vaults, manager):
    create(vaults)
    client = manager(KeyVaultManagementClient, SUBSCRIPTION)
    made = client.secrets.create_or_update("rg", NAME, "s", {"properties": {"value": "hidden", "contentType": "text"}})
    assert made.properties.value is None and made.properties.content_type == "text"
    assert client.secrets.get("rg", NAME, "s").properties.secret_uri == f"https://{NAME}.vault.sim.test/secrets/s"
    assert [one.name for one in client.secrets.list("rg", NAME)] == ["s"]


def test_exchanges_are_described(vaults, manager, specs):
    if specs is None:
        pytest.skip("../shared is not there")
    create(vaults)
    vaults.get("rg", NAME)
    assert manager.described == [True] * len(manager.described) != []
