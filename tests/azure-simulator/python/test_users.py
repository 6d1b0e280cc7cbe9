"""azure-identity and MSAL: sign-ins of users, and certificates in all their files."""

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    DeviceCodeCredential,
    EnvironmentCredential,
    UsernamePasswordCredential,
)
from conftest import CLIENT, OBJECT, SECRET, TENANT
from people import (
    NATIVE,
    PASSWORD,
    STRICT_USER,
    USER,
    USER_OBJECT,
    claims,
    decide,
    grants,
    seed_users,
)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def users(simulator):
    seed_users(simulator)
    simulator.admin("DELETE", "/recordings")
    return simulator


def by_password(simulator, username=USER, password=PASSWORD, tenant=TENANT):
    return UsernamePasswordCredential(
        NATIVE, username, password, tenant_id=tenant,
        authority=simulator.authority, disable_instance_discovery=True,
    )


@pytest.mark.parametrize("tenant", [TENANT, "organizations"])
def test_a_password_signs_in(users, tenant):
    token = by_password(users, tenant=tenant).get_token(users.scope)
    found = claims(token.token)
    assert (found["oid"], found["appid"], found["upn"]) == (USER_OBJECT, NATIVE, USER)


def test_another_resource_comes_by_the_refresh_token(users):
    credential = by_password(users)
    credential.get_token(users.scope)
    other = credential.get_token("https://storage.sim.test/.default")
    assert claims(other.token)["aud"] == "https://storage.sim.test"
    assert grants(users) == ["password", "refresh_token"]


@pytest.mark.parametrize(("username", "password", "code"), [
    (USER, "wrong", "AADSTS50126"),
    ("nobody@contoso.onmicrosoft.com", PASSWORD, "AADSTS50034"),
    (STRICT_USER, PASSWORD, "AADSTS50076"),
])
def test_a_refused_password_is_told(users, username, password, code):
    with pytest.raises(ClientAuthenticationError) as raised:
        by_password(users, username, password).get_token(users.scope)
    assert code in raised.value.message


def by_device_code(simulator, action):
    def prompt(uri, user_code, expires_on):
        assert uri == "https://microsoft.com/devicelogin"
        decide(simulator, user_code, action)

    return DeviceCodeCredential(
        NATIVE, tenant_id=TENANT, prompt_callback=prompt,
        authority=simulator.authority, disable_instance_discovery=True,
    )


def test_a_device_code_signs_in(users):
    record = by_device_code(users, "approve").authenticate(scopes=[users.scope])
    assert (record.username, record.tenant_id) == (USER, TENANT)
    token = by_device_code(users, "approve").get_token(users.scope)
    assert claims(token.token)["oid"] == USER_OBJECT


@pytest.mark.parametrize(("action", "word"), [
    ("decline", "AADSTS65004"),
    ("expire", "AADSTS70020"),
])
def test_a_device_code_that_leads_nowhere_is_told(users, action, word):
    with pytest.raises(ClientAuthenticationError, match=word):
        by_device_code(users, action).get_token(users.scope)


@pytest.mark.filterwarnings("ignore:Attempted too soon")
def test_msal_polls_while_nobody_has_decided(users):
    app = msal.PublicClientApplication(
        NATIVE, authority=f"{users.authority}/{TENANT}", instance_discovery=False
    )
    flow = app.initiate_device_flow([users.scope])
    once = app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)
    assert once["error"] == "authorization_pending"
    decide(users, flow["user_code"])
    result = app.acquire_token_by_device_flow(flow)
    assert result["id_token_claims"]["preferred_username"] == USER
    (account,) = app.get_accounts()
    again = app.acquire_token_silent([users.scope], account, force_refresh=True)
    assert again["access_token"] != result["access_token"]


def environment(monkeypatch, simulator, **variables):
    for name in ("CLIENT_SECRET", "CLIENT_CERTIFICATE_PATH", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", simulator.authority)
    for name, value in variables.items():
        monkeypatch.setenv(f"AZURE_{name}", value)
    return EnvironmentCredential(disable_instance_discovery=True)


def test_the_environment_signs_in(users, application, certificate, monkeypatch, tmp_path):
    credential = environment(monkeypatch, users, CLIENT_ID=CLIENT, CLIENT_SECRET=SECRET)
    assert claims(credential.get_token(users.scope).token)["oid"] == OBJECT
    credential = environment(
        monkeypatch, users, CLIENT_ID=NATIVE, USERNAME=USER, PASSWORD=PASSWORD)
    assert claims(credential.get_token(users.scope).token)["oid"] == USER_OBJECT
    application(certificates=[{"pem": certificate.public_pem}])
    file = tmp_path / "app.pem"
    file.write_bytes(certificate.pem)
    credential = environment(
        monkeypatch, users, CLIENT_ID=CLIENT, CLIENT_CERTIFICATE_PATH=str(file))
    assert claims(credential.get_token(users.scope).token)["appidacr"] == "2"


@pytest.mark.parametrize("kind", ["pem", "encrypted pem", "pfx", "pfx with password"])
def test_a_certificate_signs_in_from_any_file(users, application, certificate, tmp_path, kind):
    application(certificates=[{"pem": certificate.public_pem}])
    password = "pass" if kind in ("encrypted pem", "pfx with password") else None
    file = tmp_path / "app.certificate"
    file.write_bytes(certificate.file(pfx=kind.startswith("pfx"), password=password))
    credential = CertificateCredential(
        TENANT, CLIENT, str(file), password=password,
        authority=users.authority, disable_instance_discovery=True,
    )
    assert claims(credential.get_token(users.scope).token)["appidacr"] == "2"


def test_a_certificate_is_trusted_by_its_subject_and_issuer(users, application, certificates):
    root, leaf = certificates
    application(subjectNameIssuer=[{"subject": "CN=app.example", "rootPem": root.public_pem}])
    credential = CertificateCredential(
        TENANT, CLIENT, certificate_data=leaf.pem + root.public_pem.encode(),
        send_certificate_chain=True,
        authority=users.authority, disable_instance_discovery=True,
    )
    assert claims(credential.get_token(users.scope).token)["oid"] == OBJECT
    without = CertificateCredential(
        TENANT, CLIENT, certificate_data=leaf.pem,
        authority=users.authority, disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        without.get_token(users.scope)


def test_a_vaults_claims_challenge_is_answered(simulator, client):
    client.set_secret("name", "value")
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
    simulator.admin("POST", "/faults", {
        "host": "*.vault.sim.test", "fault": {"claimsChallenge": {"claims": challenge}},
    })
    simulator.admin("DELETE", "/recordings")
    assert client.get_secret("name").value == "value"
    (request,) = simulator.admin("GET", "/recordings")
    assert "1700000000" in request["form"]["claims"]


def test_a_client_that_takes_challenges_gets_a_longer_token(simulator, credential):
    import time

    token = credential.get_token(simulator.scope, enable_cae=True)
    assert 86000 < token.expires_on - time.time() <= 86400
    assert claims(token.token)["xms_cc"] == ["CP1"]
