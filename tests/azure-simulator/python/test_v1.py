"""adal and msrestazure, the clients of v1 and of ADFS; and the newer clients against ADFS."""

import adal
import msal
import pytest
import requests
from adal.constants import AADConstants
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientSecretCredential
from conftest import CLIENT, OBJECT, SECRET, TENANT
from cryptography.hazmat.primitives import hashes
from msrestazure.azure_active_directory import (
    AADTokenCredentials,
    AdalAuthentication,
    ServicePrincipalCredentials,
    UserPassCredentials,
)
from msrestazure.azure_cloud import Cloud, CloudEndpoints, CloudSuffixes
from people import ADFS, NATIVE, PASSWORD, USER, USER_OBJECT, claims, decide, grants, seed_stack

VAULT = "https://vault.sim.test"
KV_STACK = "https://kv-stack.vault.local.azurestack.sim.test"


class Place:
    """An authority, and a resource that it gives tokens for."""

    def __init__(self, simulator, provider):
        self.simulator = simulator
        self.vault = vault_of(simulator, provider)
        if provider == "AAD":
            authority, self.resource = f"{simulator.authority}/{TENANT}", VAULT
            self.issuer = f"https://sts.windows.net/{TENANT}/"
        else:
            authority, self.resource = ADFS, stack_audience()
            self.issuer = "http://adfs.local.azurestack.sim.test/adfs/services/trust"
        self.context = adal.AuthenticationContext(
            authority, validate_authority=False, api_version=None)

    def check(self, token, object_id):
        found = claims(token["accessToken"])
        assert (found["aud"], found["oid"], found["iss"]) == (self.resource, object_id, self.issuer)


@pytest.fixture(params=["AAD", "ADFS"])
def place(request, simulator, certificate):
    seed_stack(simulator, certificate)
    simulator.admin("DELETE", "/recordings")
    return Place(simulator, request.param)


def vault_of(simulator, provider):
    return simulator.vault_url if provider == "AAD" else KV_STACK


def stack_audience():
    """What a client derives from the stack's metadata: the vaults' audience."""
    url = "https://management.local.azurestack.sim.test/metadata/endpoints"
    document = requests.get(url, params={"api-version": "2015-01-01"}, timeout=20).json()
    return document["authentication"]["audiences"][0].replace("management", "vault")


def print_of(certificate):
    return certificate.certificate.fingerprint(hashes.SHA1()).hex()


def private_key(certificate):
    """The key alone, as adal takes it."""
    return certificate.key_pem.decode()


def test_adal_signs_in_with_a_secret(place):
    token = place.context.acquire_token_with_client_credentials(place.resource, CLIENT, SECRET)
    place.check(token, OBJECT)
    assert 3000 < token["expiresIn"] <= 3600


def test_adal_is_told_of_a_wrong_secret(place):
    with pytest.raises(adal.AdalError) as raised:
        place.context.acquire_token_with_client_credentials(place.resource, CLIENT, "wrong")
    assert raised.value.error_response["error"] == "invalid_client"


def test_adal_signs_in_with_a_certificate(place, certificate):
    token = place.context.acquire_token_with_client_certificate(
        place.resource, CLIENT, private_key(certificate), print_of(certificate))
    place.check(token, OBJECT)


def test_adal_signs_a_user_in_and_refreshes(place):
    token = place.context.acquire_token_with_username_password(
        place.resource, USER, PASSWORD, NATIVE)
    place.check(token, USER_OBJECT)
    again = place.context.acquire_token_with_refresh_token(
        token["refreshToken"], NATIVE, place.resource)
    place.check(again, USER_OBJECT)
    assert grants(place.simulator) == ["password", "refresh_token"]


def test_adal_signs_in_by_device_code(place):
    started = place.context.acquire_user_code(place.resource, NATIVE)
    assert started["user_code"] in started["message"]
    decide(place.simulator, started["user_code"])
    token = place.context.acquire_token_with_device_code(place.resource, started, NATIVE)
    place.check(token, USER_OBJECT)


def test_adal_is_told_that_the_user_declined(place):
    started = place.context.acquire_user_code(place.resource, NATIVE)
    decide(place.simulator, started["user_code"], "decline")
    with pytest.raises(adal.AdalError, match="authorization_declined"):
        place.context.acquire_token_with_device_code(place.resource, started, NATIVE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_adal_signs_in_with_api_version_in_its_address(simulator):
    context = adal.AuthenticationContext(
        f"{simulator.authority}/{TENANT}", validate_authority=False, api_version="1.0")
    simulator.admin("DELETE", "/recordings")
    context.acquire_token_with_client_credentials(VAULT, CLIENT, SECRET)
    (request,) = simulator.admin("GET", "/recordings")
    assert request["query"] == {"api-version": "1.0"}


@pytest.fixture(params=["AAD", "ADFS"])
def cloud(request, simulator, certificate, monkeypatch):
    """A cloud as msrestazure knows one, and the resource to ask for."""
    seed_stack(simulator, certificate)
    if request.param == "AAD":
        endpoint, resource = simulator.authority, VAULT
        # The package cannot switch validation off for such an authority, and asks Azure's own host about any that it
        # does not know by name.
        known = [*AADConstants.WELL_KNOWN_AUTHORITY_HOSTS, "login.sim.test"]
        monkeypatch.setattr(AADConstants, "WELL_KNOWN_AUTHORITY_HOSTS", known)
    else:
        endpoint, resource = ADFS, stack_audience()
    endpoints = CloudEndpoints(
        management=resource, resource_manager=resource,
        active_directory=endpoint, active_directory_resource_id=resource,
    )
    vault = vault_of(simulator, request.param)
    return Cloud("simulator", endpoints=endpoints, suffixes=CloudSuffixes()), resource, vault


def check(simulator, credentials, vault, object_id):
    """The session that the credentials give is let into the vault, as whom it should."""
    since = simulator.admin("GET", "/journal")["next"]
    url = f"{vault}/secrets?api-version=2016-10-01"
    answer = credentials.signed_session().get(url, timeout=20)
    assert answer.status_code == 200, answer.text
    (entry,) = simulator.admin("GET", f"/journal?since={since}&operation=ListSecrets")["entries"]
    assert entry["principal"]["objectId"] == object_id


def test_msrestazure_signs_in_with_a_secret(simulator, cloud):
    environment, _, vault = cloud
    credentials = ServicePrincipalCredentials(
        CLIENT, SECRET, tenant=TENANT, cloud_environment=environment)
    check(simulator, credentials, vault, OBJECT)


def test_msrestazure_signs_a_user_in(simulator, cloud):
    environment, _, vault = cloud
    credentials = UserPassCredentials(
        USER, PASSWORD, client_id=NATIVE, tenant=TENANT, cloud_environment=environment)
    check(simulator, credentials, vault, USER_OBJECT)


def test_msrestazure_renews_a_token_that_it_was_given(simulator, cloud):
    environment, resource, vault = cloud
    authority = environment.endpoints.active_directory
    if authority != ADFS:
        authority = f"{authority}/{TENANT}"
    context = adal.AuthenticationContext(
        authority, validate_authority=False, api_version=None)
    token = context.acquire_token_with_username_password(resource, USER, PASSWORD, NATIVE)
    credentials = AADTokenCredentials(
        token, NATIVE, tenant=TENANT, cloud_environment=environment)
    check(simulator, credentials, vault, USER_OBJECT)
    before = credentials.token["access_token"]
    credentials.refresh_session()
    assert credentials.token["access_token"] != before


def test_msrestazure_signs_in_with_a_certificate(place, certificate):
    credentials = AdalAuthentication(
        place.context.acquire_token_with_client_certificate,
        place.resource, CLIENT, private_key(certificate), print_of(certificate))
    check(place.simulator, credentials, place.vault, OBJECT)


@pytest.fixture
def stack(simulator, certificate):
    seed_stack(simulator, certificate)
    return stack_audience()


@pytest.mark.parametrize("by", ["secret", "certificate"])
def test_msal_signs_in_at_adfs(stack, certificate, by):
    proofs = {
        "secret": SECRET,
        "certificate": {
            "private_key": private_key(certificate), "thumbprint": print_of(certificate),
        },
    }
    app = msal.ConfidentialClientApplication(
        CLIENT, authority=ADFS, client_credential=proofs[by], instance_discovery=False)
    result = app.acquire_token_for_client([f"{stack}/.default"])
    assert claims(result["access_token"])["aud"] == stack, result


def test_azure_identity_signs_in_at_adfs(stack, certificate):
    host = ADFS.removesuffix("/adfs")
    by_secret = ClientSecretCredential(
        "adfs", CLIENT, SECRET, authority=host, disable_instance_discovery=True)
    by_certificate = CertificateCredential(
        "adfs", CLIENT, certificate_data=certificate.pem, authority=host,
        disable_instance_discovery=True)
    for credential in (by_secret, by_certificate):
        token = credential.get_token(f"{stack}/.default")
        assert claims(token.token)["oid"] == OBJECT


def test_azure_identity_is_told_of_a_resource_that_adfs_does_not_know(stack):
    credential = ClientSecretCredential(
        "adfs", CLIENT, SECRET, authority=ADFS.removesuffix("/adfs"),
        disable_instance_discovery=True)
    with pytest.raises(ClientAuthenticationError, match="MSIS9605"):
        credential.get_token("https://vault.sim.test/.default")
