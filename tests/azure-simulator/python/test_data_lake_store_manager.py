"""azure-mgmt-datalake-store: the life of a Data Lake Store (Gen1). Exchanges are checked against their description."""

import pytest
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from conftest import SUBSCRIPTION, TENANT
from msrest.authentication import BasicTokenAuthentication
from msrestazure.azure_exceptions import CloudError

NAME = "lakeofclient"
PLACE = "eastus2"


@pytest.fixture
def client(manager, simulator, credential):
    url = simulator.endpoints["resourceManager"]
    token = credential.get_token(url + "/.default").token
    client = DataLakeStoreAccountManagementClient(
        BasicTokenAuthentication({"access_token": token}), SUBSCRIPTION, base_url=url)
    client.config.long_running_operation_timeout = 0
    client.config.retry_policy.policy.total = 0
    yield client
    for name in simulator.admin("GET", "/datalakestores")["dataLakeStores"]:
        simulator.admin("DELETE", f"/datalakestores/{name}")


def body(**more):
    return {"location": PLACE, "tags": {"who": "tests"}, **more}


def test_a_store_lives_and_dies(client):
    made = client.accounts.create("rg", NAME, body(new_tier="Consumption")).result(20)
    assert (made.provisioning_state, made.state) == ("Succeeded", "Active")
    assert made.endpoint == f"{NAME}.azuredatalakestore.sim.test"
    assert made.encryption_config.type == "ServiceManaged"
    changed = client.accounts.update("rg", NAME, {"firewall_state": "Enabled"}).result(20)
    assert changed.firewall_state == "Enabled" and changed.tags == {"who": "tests"}
    assert [one.name for one in client.accounts.list()] == [NAME]
    assert [one.name for one in client.accounts.list_by_resource_group("rg")] == [NAME]
    client.accounts.delete("rg", NAME).result(20)
    with pytest.raises(CloudError) as refused:
        client.accounts.get("rg", NAME)
    assert refused.value.status_code == 404


def test_a_long_creation_is_waited_for(client, simulator):
    simulator.admin("POST", "/settings", {"lakeStoreCreationMs": 300, "lro": {
        "lakeStorePut": {"form": "azureAsyncOperation", "retryAfter": 0}}})
    poller = client.accounts.create("rg", NAME, body())
    assert client.accounts.get("rg", NAME).provisioning_state == "Creating"
    assert poller.result(20).provisioning_state == "Succeeded"


def test_names_and_room_are_told(client, simulator):
    simulator.admin("PUT", "/datalakestores/theirs", {"tenantId": TENANT})
    assert client.accounts.check_name_availability(PLACE, "free").name_available
    taken = client.accounts.check_name_availability(PLACE, "theirs")
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    assert client.locations.get_capability(PLACE).state == "Registered"


def test_rules_lie_below_a_store(client):
    client.accounts.create("rg", NAME, body(firewall_rules=[
        {"name": "first", "start_ip_address": "203.0.113.1", "end_ip_address": "203.0.113.9"}])).result(20)
    rules = client.firewall_rules
    assert rules.get("rg", NAME, "first").end_ip_address == "203.0.113.9"
    rules.create_or_update("rg", NAME, "second", "198.51.100.1", "198.51.100.2")
    assert rules.update("rg", NAME, "second", end_ip_address="198.51.100.7").start_ip_address == "198.51.100.1"
    assert [one.name for one in rules.list_by_account("rg", NAME)] == ["first", "second"]
    rules.delete("rg", NAME, "first")
    assert [one.name for one in client.accounts.get("rg", NAME).firewall_rules] == ["second"]
    client.virtual_network_rules.create_or_update("rg", NAME, "net", "/subscriptions/s/subnets/x")
    client.trusted_id_providers.create_or_update("rg", NAME, "who", "https://sts.windows.net/x")
    assert client.trusted_id_providers.get("rg", NAME, "who").id_provider == "https://sts.windows.net/x"


def test_a_customers_key_is_used_when_the_store_is_told_so(client):
    key = {"key_vault_resource_id": "/subscriptions/s/x", "encryption_key_name": "k", "encryption_key_version": "v"}
    client.accounts.create("rg", NAME, body(
        identity={"type": "SystemAssigned"},
        encryption_config={"type": "UserManaged", "key_vault_meta_info": key})).result(20)
    assert client.accounts.get("rg", NAME).encryption_provisioning_state == "Creating"
    client.accounts.enable_key_vault("rg", NAME)
    assert client.accounts.get("rg", NAME).encryption_provisioning_state == "Succeeded"


def test_exchanges_are_described(client, manager, specs):
    if specs is None:
        pytest.skip("../shared is not there")
    client.accounts.create("rg", NAME, body()).result(20)
    client.accounts.get("rg", NAME)
    client.firewall_rules.create_or_update("rg", NAME, "first", "203.0.113.1", "203.0.113.9")
    assert manager.described == [True] * len(manager.described) != []
