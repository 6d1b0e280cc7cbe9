"""The clients of Azure Stack Hub: msrestazure's discovery, adal's certificate, and both generations of the vault's."""

import inspect

import adal
import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import CertificateCredential
from azure.keyvault import KeyVaultAuthentication, KeyVaultClient
from azure.keyvault.secrets import SecretClient
from conftest import TENANT
from cryptography.hazmat.primitives import hashes
from msrestazure.azure_cloud import get_cloud_from_metadata_endpoint
from people import claims

CLIENT = "77777777-7777-7777-7777-777777777777"
OBJECT = "88888888-8888-8888-8888-888888888888"
# The directory of the region that has its own federation service.
EDGE_TENANT = "66666666-6666-6666-6666-666666666666"
API_VERSION = "2016-10-01"


class Region:
    """A region, with an application that has a certificate, and a vault."""

    def __init__(self, simulator, certificate, name, provider):
        self.name, self.certificate = name, certificate
        self.tenant = TENANT if provider == "AAD" else EDGE_TENANT
        self.management = f"https://management.{name}.azurestack.sim.test"
        self.vault_url = f"https://kv-{name}.vault.{name}.azurestack.sim.test"
        simulator.admin("POST", "/seed", {
            "tenants": [{"id": self.tenant, "applications": [{
                "clientId": CLIENT, "objectId": OBJECT, "certificates": [{"pem": certificate.public_pem}],
            }]}],
            "stacks": [{"region": name, "identityProvider": provider, "tenantId": self.tenant}],
            "vaults": [{"name": f"kv-{name}", "stack": name, "accessPolicies": [
                {"objectId": OBJECT, "secrets": ["all"]}]}],
        })
        self.cloud = get_cloud_from_metadata_endpoint(self.management)

    @property
    def authority(self):
        """As the samples for Azure Stack make it: ADFS is whole, Entra needs the tenant."""
        login = self.cloud.endpoints.active_directory
        return login if login.endswith("/adfs") else login + self.tenant

    def token(self, resource, authority=None):
        """By adal, with the certificate."""
        context = adal.AuthenticationContext(
            authority or self.authority, validate_authority=False, api_version=None)
        return context.acquire_token_with_client_certificate(
            resource, CLIENT, self.certificate.key_pem.decode(),
            self.certificate.certificate.fingerprint(hashes.SHA1()).hex())


@pytest.fixture(params=[("hub", "AAD"), ("edge", "ADFS")], ids=["AAD", "ADFS"])
def region(request, simulator, certificate):
    return Region(simulator, certificate, *request.param)


def test_the_cloud_is_read_from_the_metadata(region, simulator):
    endpoints = region.cloud.endpoints
    assert endpoints.resource_manager == region.management
    if region.name == "hub":
        assert endpoints.active_directory == simulator.authority + "/"
        assert endpoints.active_directory_resource_id.startswith("https://management.contoso.onmicrosoft.com/")
    else:
        assert endpoints.active_directory == "https://adfs.edge.azurestack.sim.test/adfs"
        assert endpoints.active_directory_resource_id.startswith("https://management.adfs.azurestack.sim.test/")


def test_a_certificate_gets_a_token_for_management(region):
    audience = region.cloud.endpoints.active_directory_resource_id
    found = claims(region.token(audience)["accessToken"])
    assert (found["aud"], found["appid"], found["oid"]) == (audience, CLIENT, OBJECT)


@pytest.fixture
def old_client(region, monkeypatch):
    """The vault client of those years; the challenge tells it where to sign in and for what."""
    # It calls a function that Python 3.11 no longer has.
    monkeypatch.setattr(inspect, "getargspec", inspect.getfullargspec, raising=False)
    asked = []

    def sign_in(server, resource, _scope):
        asked.append((server, resource))
        token = region.token(resource, server)
        return token["tokenType"], token["accessToken"]

    client = KeyVaultClient(KeyVaultAuthentication(sign_in), api_version=API_VERSION)
    return client, asked


def test_the_old_client_sets_and_gets_a_secret(region, old_client):
    client, asked = old_client
    made = client.set_secret(region.vault_url, "first", "one")
    assert made.id.startswith(f"{region.vault_url}/secrets/first/")
    assert client.get_secret(region.vault_url, "first", "").value == "one"
    assert [secret.id for secret in client.get_secrets(region.vault_url)] == [
        f"{region.vault_url}/secrets/first"]
    client.delete_secret(region.vault_url, "first")
    audience = region.cloud.endpoints.active_directory_resource_id.replace("management", "vault")
    assert set(asked) == {(region.authority, audience)}


@pytest.fixture
def new_client(region):
    """Today's client, which is told of the old api-version."""
    tenant = TENANT if region.name == "hub" else "adfs"
    authority = region.authority.rsplit("/", 1)[0]
    credential = CertificateCredential(
        tenant, CLIENT, certificate_data=region.certificate.pem, authority=authority,
        disable_instance_discovery=True)

    # The audience is not in the vault's domain.
    def make(version):
        return SecretClient(
            region.vault_url, credential, api_version=version, verify_challenge_resource=False, retry_total=0)

    return make


def test_the_new_client_sets_and_gets_a_secret(new_client):
    client = new_client(API_VERSION)
    client.set_secret("second", "two")
    assert client.get_secret("second").value == "two"


def test_the_new_client_is_refused_its_own_api_version(new_client):
    with pytest.raises(HttpResponseError) as raised:
        new_client("7.5").get_secret("second")
    assert raised.value.status_code == 400
    assert "'2016-10-01'" in raised.value.message
