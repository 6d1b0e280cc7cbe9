"""azure-identity against the simulator's login host."""

import time

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    WorkloadIdentityCredential,
)
from conftest import CLIENT, OBJECT, SECRET, TENANT, Certificate
from issuer import Issuer


def claims(token):
    return jwt.decode(token.token, options={"verify_signature": False})


def test_a_secret_gets_a_token(simulator, credential):
    token = credential.get_token(simulator.scope)
    found = claims(token)
    assert (found["oid"], found["appid"], found["tid"]) == (OBJECT, CLIENT, TENANT)
    assert found["aud"] == simulator.endpoints["keyVaultAudience"]
    assert 3000 < token.expires_on - time.time() < 3700


def test_a_token_is_kept(simulator, credential):
    first = credential.get_token(simulator.scope)
    assert credential.get_token(simulator.scope).token == first.token
    assert simulator.admin("GET", "/counters")["operations"]["login"]["GetToken"] == {"200": 1}


@pytest.mark.parametrize(("tenant", "client", "secret", "code"), [
    (TENANT, CLIENT, "wrong", "AADSTS7000215"),
    (TENANT, "99999999-9999-9999-9999-999999999999", SECRET, "AADSTS700016"),
])
def test_a_mistake_is_told(simulator, tenant, client, secret, code):
    wrong = ClientSecretCredential(
        tenant, client, secret, authority=simulator.authority, disable_instance_discovery=True
    )
    with pytest.raises(ClientAuthenticationError) as raised:
        wrong.get_token(simulator.scope)
    assert code in raised.value.message


def test_an_unknown_tenant_is_told(simulator):
    wrong = ClientSecretCredential(
        "99999999-9999-9999-9999-999999999999", CLIENT, SECRET,
        authority=simulator.authority, disable_instance_discovery=True,
    )
    # MSAL reads the discovery document first, and puts the error in words of its own.
    with pytest.raises(Exception, match="(?i)invalid_tenant|90002|openid-configuration|tenant"):
        wrong.get_token(simulator.scope)


@pytest.mark.parametrize("chain", [False, True])
def test_a_certificate_signs_in(simulator, application, certificate, chain):
    application(certificates=[{"pem": certificate.public_pem}])
    credential = CertificateCredential(
        TENANT, CLIENT, certificate_data=certificate.pem, send_certificate_chain=chain,
        authority=simulator.authority, disable_instance_discovery=True,
    )
    assert claims(credential.get_token(simulator.scope))["appidacr"] == "2"


def test_an_unregistered_certificate_does_not(simulator, application, certificate):
    application(certificates=[{"pem": certificate.public_pem}])
    credential = CertificateCredential(
        TENANT, CLIENT, certificate_data=Certificate().pem,
        authority=simulator.authority, disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credential.get_token(simulator.scope)


@pytest.fixture
def issuer(tmp_path, certificate):
    with Issuer(tmp_path, certificate) as issuer:
        yield issuer


@pytest.fixture
def foreign_token(simulator, application, issuer):
    """Registers the issuer, and makes its tokens."""
    simulator.admin("POST", "/issuers", [issuer.trust])
    application(federatedCredentials=[issuer.federation])
    return issuer.token


def test_a_workload_identity_signs_in_with_its_token_file(simulator, foreign_token, tmp_path):
    file = tmp_path / "token"
    file.write_text(foreign_token())
    credential = WorkloadIdentityCredential(
        tenant_id=TENANT, client_id=CLIENT, token_file_path=str(file),
        authority=simulator.authority, disable_instance_discovery=True,
    )
    assert claims(credential.get_token(simulator.scope))["oid"] == OBJECT


def test_a_client_assertion_signs_in(simulator, foreign_token):
    credential = ClientAssertionCredential(
        TENANT, CLIENT, foreign_token, authority=simulator.authority, disable_instance_discovery=True
    )
    assert claims(credential.get_token(simulator.scope))["oid"] == OBJECT


def test_a_subject_that_is_not_registered_is_told(simulator, foreign_token):
    credential = ClientAssertionCredential(
        TENANT, CLIENT, lambda: foreign_token("system:serviceaccount:ns:other"),
        authority=simulator.authority, disable_instance_discovery=True,
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        credential.get_token(simulator.scope)
