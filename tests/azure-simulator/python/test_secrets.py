"""azure-keyvault-secrets against a simulated vault."""

import datetime

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.keyvault.secrets import ApiVersion, SecretClient
from conftest import OBJECT, TENANT, VAULT


def code(error):
    inner = error.value.error.innererror
    return error.value.error.code, inner.get("code") if inner else None


def test_set_and_get_latest_and_version(client):
    first = client.set_secret("name", "one", content_type="text/plain", tags={"k": "v"})
    second = client.set_secret("name", "two")
    assert client.get_secret("name").value == "two"
    read = client.get_secret("name", first.properties.version)
    assert (read.value, read.properties.content_type, read.properties.tags) == ("one", "text/plain", {"k": "v"})
    assert read.properties.vault_url == client.vault_url
    assert read.properties.recovery_level == "Recoverable+Purgeable"
    versions = {item.version for item in client.list_properties_of_secret_versions("name")}
    assert versions == {first.properties.version, second.properties.version}


@pytest.mark.parametrize("version", list(ApiVersion))
def test_each_api_version_of_the_client_is_served(simulator, credential, version):
    older = SecretClient(simulator.vault_url, credential, api_version=version, retry_total=0)
    older.set_secret("name", "value")
    assert older.get_secret("name").value == "value"


def test_attributes_are_updated(client):
    made = client.set_secret("name", "value")
    expiry = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    changed = client.update_secret_properties("name", made.properties.version, expires_on=expiry, enabled=False)
    assert (changed.expires_on, changed.enabled) == (expiry, False)
    with pytest.raises(HttpResponseError) as raised:
        client.get_secret("name")
    assert raised.value.status_code == 403
    assert code(raised) == ("Forbidden", "SecretDisabled")


def test_a_list_goes_over_its_pages(simulator, client):
    secrets = [{"name": f"s{number:02}", "value": "x"} for number in range(60)]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"secrets": secrets})
    pages = [list(page) for page in client.list_properties_of_secrets().by_page()]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert len({item.name for page in pages for item in page}) == 60


def test_delete_recover_and_purge(client):
    client.set_secret("name", "value")
    poller = client.begin_delete_secret("name", _polling_interval=0.05)
    deleted = poller.result()
    poller.wait()
    assert deleted.recovery_id.endswith("/deletedsecrets/name")
    assert client.get_deleted_secret("name").name == "name"
    assert [item.name for item in client.list_deleted_secrets()] == ["name"]
    with pytest.raises(ResourceExistsError) as raised:
        client.set_secret("name", "other")
    assert code(raised) == ("Conflict", "ObjectIsDeletedButRecoverable")
    client.begin_recover_deleted_secret("name", _polling_interval=0.05).wait()
    assert client.get_secret("name").value == "value"
    client.begin_delete_secret("name", _polling_interval=0.05).wait()
    client.purge_deleted_secret("name")
    with pytest.raises(ResourceNotFoundError) as raised:
        client.get_deleted_secret("name")
    assert code(raised) == ("SecretNotFound", None)


def test_deleted_secrets_and_versions_are_listed_over_pages(simulator, client):
    secrets = [{"name": f"s{number:02}", "value": "x"} for number in range(30)]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"secrets": secrets})
    for secret in secrets:
        simulator.admin("DELETE", f"/vaults/{VAULT}/secrets/{secret['name']}")
    pages = [list(page) for page in client.list_deleted_secrets().by_page()]
    assert [len(page) for page in pages] == [25, 5]
    assert all(item.recovery_id and item.scheduled_purge_date for page in pages for item in page)
    assert list(client.list_properties_of_secrets()) == []
    for number in range(27):
        client.set_secret("many", str(number))
    versions = client.list_properties_of_secret_versions("many").by_page()
    assert [len(list(page)) for page in versions] == [25, 2]


def test_the_properties_of_a_list_are_those_of_the_secret(client):
    expiry = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    made = client.set_secret(
        "name", "value", content_type="text/plain", tags={"k": "v"}, enabled=False, not_before=start, expires_on=expiry)
    listed, = client.list_properties_of_secrets()
    for field in ("content_type", "tags", "enabled", "not_before", "expires_on", "created_on", "updated_on"):
        assert getattr(listed, field) == getattr(made.properties, field), field
    assert (listed.version, listed.managed) == (None, None)


def test_a_deleted_secret_is_not_found(client):
    client.set_secret("name", "value")
    client.begin_delete_secret("name", _polling_interval=0.05).wait()
    with pytest.raises(ResourceNotFoundError) as raised:
        client.get_secret("name")
    assert code(raised) == ("SecretNotFound", None)


def test_a_backup_is_restored(client):
    client.set_secret("name", "value")
    backup = client.backup_secret("name")
    client.begin_delete_secret("name", _polling_interval=0.05).wait()
    client.purge_deleted_secret("name")
    while True:
        try:
            client.restore_secret_backup(backup)
            break
        except ResourceExistsError as error:
            assert error.error.innererror["code"] == "ObjectIsBeingDeleted"
    assert client.get_secret("name").value == "value"


def test_a_certificates_secret_is_read(simulator, client):
    body = {"value": "MII=", "contentType": "application/x-pkcs12", "managed": True, "kid": "https://k/keys/c/1"}
    simulator.admin("PUT", f"/vaults/{VAULT}/secrets/cert", body)
    read = client.get_secret("cert")
    assert (read.properties.managed, read.properties.key_id) == (True, "https://k/keys/c/1")


def test_without_a_role_it_is_forbidden(simulator, client):
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"roleAssignments": [{"principalId": OBJECT, "role": "Reader"}]})
    with pytest.raises(HttpResponseError) as raised:
        client.get_secret("name")
    assert raised.value.status_code == 403
    assert code(raised) == ("Forbidden", "ForbiddenByRbac")


def test_the_client_learns_where_to_sign_in_from_the_challenge(simulator, credential):
    # The client keeps challenges by host for the whole process: a host that no other test calls is needed.
    role = {"principalId": OBJECT, "role": "Key Vault Secrets Officer"}
    simulator.admin("PUT", "/vaults/kv-challenge", {"tenantId": TENANT, "roleAssignments": [role]})
    client = SecretClient("https://kv-challenge.vault.sim.test", credential, retry_total=0)
    client.set_secret("name", "value")
    client.get_secret("name")
    counted = simulator.admin("GET", "/counters")["operations"]["kv-challenge"]
    assert counted == {"SetSecret": {"401": 1, "200": 1}, "GetSecret": {"200": 1}}


def test_a_foreign_challenge_is_refused_by_the_client(simulator, client):
    challenge = {"authorization": "https://login.evil.test/t", "resource": "https://evil.test"}
    simulator.admin("POST", "/faults", {"host": "kv-*", "fault": {"foreignChallenge": challenge}})
    with pytest.raises(ValueError, match="does not match"):
        client.get_secret("name")


def test_throttling_is_retried_after_the_given_time(simulator, credential):
    patient = SecretClient(simulator.vault_url, credential, retry_total=2)
    patient.set_secret("name", "value")
    simulator.admin("POST", "/faults", {"host": "kv-*", "count": 1, "fault": {"status": 429, "retryAfter": 0}})
    assert patient.get_secret("name").value == "value"
    assert simulator.admin("GET", "/counters")["operations"][VAULT]["GetSecret"] == {"429": 1, "200": 1}


def test_an_unknown_vault_does_not_resolve(simulator, credential):
    unknown = SecretClient("https://kv-none.vault.sim.test", credential, retry_total=0)
    with pytest.raises(ServiceRequestError, match="(?i)resolve|not known"):
        unknown.get_secret("name")
