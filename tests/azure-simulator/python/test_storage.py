"""azure-mgmt-storage: the life of an account. Each exchange is checked against the published description, too."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.storage import StorageManagementClient
from conftest import SUBSCRIPTION, TENANT

NAME = "lakeofclient"
PLACE = "westeurope"
# That of the description.
DESCRIBED = "2023-05-01"


@pytest.fixture
def storage(manager, simulator):
    yield manager(StorageManagementClient, SUBSCRIPTION, api_version=DESCRIBED)
    for name in simulator.admin("GET", "/storageaccounts")["storageAccounts"]:
        simulator.admin("DELETE", f"/storageaccounts/{name}")


@pytest.fixture
def accounts(storage):
    return storage.storage_accounts


def body(**properties):
    return {"location": PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": {"who": "tests"},
            "properties": {"isHnsEnabled": True, **properties}}


def create(accounts, name=NAME, **properties):
    return accounts.begin_create("rg", name, body(**properties)).result()


def code(refused):
    return refused.value.status_code, refused.value.error.code


def test_an_account_lives_and_dies(accounts, storage):
    made = create(accounts, minimumTlsVersion="TLS1_2", allowSharedKeyAccess=True)
    assert (made.name, made.provisioning_state) == (NAME, "Succeeded")
    assert made.primary_endpoints.dfs == f"https://{NAME}.dfs.storage.sim.test/"
    assert made.is_hns_enabled and made.key_creation_time.key1
    changed = accounts.update("rg", NAME, {"tags": {"who": "others"}, "properties": {"accessTier": "Cool"}})
    assert (changed.tags, changed.access_tier) == ({"who": "others"}, "Cool")
    assert [one.name for one in accounts.list()] == [NAME]
    assert [one.name for one in accounts.list_by_resource_group("rg")] == [NAME]
    accounts.delete("rg", NAME)
    with pytest.raises(ResourceNotFoundError) as refused:
        accounts.get_properties("rg", NAME)
    assert code(refused) == (404, "ResourceNotFound")
    gone = storage.deleted_accounts.get(NAME, PLACE)
    assert gone.storage_account_resource_id == made.id
    assert NAME in [one.name for one in storage.deleted_accounts.list()]


def test_a_long_creation_is_waited_for(accounts, simulator):
    plan = {"form": "location", "retryAfter": 0}
    simulator.admin("POST", "/settings", {"storageCreationMs": 300, "lro": {"storagePut": plan}})
    poller = accounts.begin_create("rg", NAME, body(), polling_interval=0.05)
    assert accounts.get_properties("rg", NAME).provisioning_state in ("Creating", "ResolvingDns")
    with pytest.raises(HttpResponseError) as refused:
        accounts.list_keys("rg", NAME)
    assert code(refused) == (409, "StorageAccountIsNotProvisioned")
    assert poller.result(20).provisioning_state == "Succeeded"
    assert f"{NAME}.dfs.storage.sim.test" in simulator.addresses()


def test_a_failed_creation_is_an_error(accounts, simulator):
    plan = {"form": "location", "retryAfter": 0, "error": {"code": "Oops", "message": "it did not work"}}
    simulator.admin("POST", "/settings", {"lro": {"storagePut": plan}})
    with pytest.raises(HttpResponseError, match="it did not work"):
        accounts.begin_create("rg", NAME, body(), polling_interval=0.05).result(20)


def test_keys_are_listed_and_made_anew(accounts):
    create(accounts)
    before = {key.key_name: key.value for key in accounts.list_keys("rg", NAME).keys_property}
    after = {key.key_name: key.value for key in
             accounts.regenerate_key("rg", NAME, {"keyName": "key2"}).keys_property}
    assert after["key1"] == before["key1"] and after["key2"] != before["key2"]


def test_names_are_checked(accounts, simulator):
    simulator.admin("PUT", "/storageaccounts/theirs", {"tenantId": TENANT})

    def check(name):
        return accounts.check_name_availability({"name": name, "type": "Microsoft.Storage/storageAccounts"})

    assert check("free").name_available
    assert (check("theirs").reason, check("No").reason) == ("AlreadyExists", "AccountNameInvalid")
    with pytest.raises(HttpResponseError) as refused:
        create(accounts, "theirs")
    assert code(refused) == (409, "StorageAccountAlreadyTaken")


def test_what_cannot_be_updated_is_told(accounts):
    create(accounts)
    with pytest.raises(HttpResponseError) as refused:
        create(accounts, isHnsEnabled=False)
    assert code(refused) == (400, "AccountPropertyCannotBeUpdated")
    with pytest.raises(HttpResponseError) as refused:
        accounts.update("rg", NAME, {"sku": {"name": "Standard_ZRS"}})
    assert code(refused) == (400, "AccountPropertyCannotBeUpdated")


def test_networks_and_policies_are_kept(accounts):
    subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/x"
    rules = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.7"}],
             "virtualNetworkRules": [{"id": subnet}],
             "resourceAccessRules": [{"tenantId": TENANT, "resourceId": f"/subscriptions/{SUBSCRIPTION}"}]}
    made = create(accounts, networkAcls=rules, publicNetworkAccess="Disabled", isNfsV3Enabled=True,
                  keyPolicy={"keyExpirationPeriodInDays": 90},
                  sasPolicy={"sasExpirationPeriod": "1.00:00:00", "expirationAction": "Log"})
    shown = made.network_rule_set
    assert (shown.default_action, shown.ip_rules[0].ip_address_or_range) == ("Deny", "203.0.113.7")
    assert shown.virtual_network_rules[0].virtual_network_resource_id == subnet
    assert made.public_network_access == "Disabled" and made.key_policy.key_expiration_period_in_days == 90


def test_the_blob_service_and_the_rules_of_an_account(accounts, storage):
    create(accounts)
    week = {"enabled": True, "days": 7}
    service = storage.blob_services.set_service_properties(
        "rg", NAME, {"properties": {"deleteRetentionPolicy": week, "containerDeleteRetentionPolicy": week}})
    assert (service.delete_retention_policy.days, service.container_delete_retention_policy.days) == (7, 7)
    assert storage.blob_services.get_service_properties("rg", NAME).delete_retention_policy.enabled
    policies = storage.management_policies
    with pytest.raises(ResourceNotFoundError) as refused:
        policies.get("rg", NAME, "default")
    assert code(refused) == (404, "ManagementPolicyNotFound")
    rule = {"name": "old", "type": "Lifecycle", "definition": {
        "filters": {"blobTypes": ["blockBlob"], "prefixMatch": ["fs/dir"]},
        "actions": {"baseBlob": {"tierToCool": {"daysAfterModificationGreaterThan": 30},
                                 "delete": {"daysAfterModificationGreaterThan": 1000}}}}}
    policies.create_or_update("rg", NAME, "default", {"properties": {"policy": {"rules": [rule]}}})
    kept = policies.get("rg", NAME, "default").policy.rules
    assert kept[0].definition.actions.base_blob.delete.days_after_modification_greater_than == 1000
    policies.delete("rg", NAME, "default")


def test_containers_are_the_filesystems(accounts, storage, simulator):
    simulator.admin("POST", "/settings", {"filesystemDeletionMs": 0})
    create(accounts)
    week = {"enabled": True, "days": 7}
    storage.blob_services.set_service_properties(
        "rg", NAME, {"properties": {"containerDeleteRetentionPolicy": week}})
    containers = storage.blob_containers
    made = containers.create("rg", NAME, "files", {"properties": {"metadata": {"a": "b"}}})
    assert (made.name, made.metadata) == ("files", {"a": "b"})
    assert containers.get("rg", NAME, "files").lease_state == "Available"
    assert containers.update("rg", NAME, "files", {"properties": {"metadata": {}}}).metadata in (None, {})
    assert [one.name for one in containers.list("rg", NAME)] == ["files"]
    containers.delete("rg", NAME, "files")
    with pytest.raises(ResourceNotFoundError) as refused:
        containers.get("rg", NAME, "files")
    assert code(refused) == (404, "ContainerNotFound")
    gone = list(containers.list("rg", NAME, include="deleted"))
    assert [(one.name, one.deleted, one.remaining_retention_days) for one in gone] == [("files", True, 7)]


def test_a_flat_account_is_migrated(accounts):
    create(accounts, isHnsEnabled=False)
    accounts.begin_hierarchical_namespace_migration("rg", NAME, request_type="HnsOnValidationRequest").result(20)
    accounts.begin_hierarchical_namespace_migration("rg", NAME, request_type="HnsOnHydrationRequest").result(20)
    assert accounts.get_properties("rg", NAME).is_hns_enabled


def test_the_newest_version_is_spoken(manager, accounts):
    newest = manager(StorageManagementClient, SUBSCRIPTION)
    create(accounts)
    assert newest.storage_accounts.get_properties("rg", NAME).is_hns_enabled


def test_exchanges_are_described(accounts, manager, specs):
    if specs is None:
        pytest.skip("../shared is not there")
    accounts.begin_create("rg", NAME, body(), polling=False)
    accounts.get_properties("rg", NAME)
    accounts.list_keys("rg", NAME)
    assert manager.described == [True] * len(manager.described) != []
