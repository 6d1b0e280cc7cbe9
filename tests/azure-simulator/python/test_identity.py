"""azure-identity against the simulator's login host."""

import http.server
import json
import ssl
import threading
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
from cryptography.hazmat.primitives import serialization

SUBJECT = "system:serviceaccount:ns:sa"
AUDIENCE = "api://AzureADTokenExchange"


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
def issuer(process, tmp_path, certificate):
    """An OIDC issuer over TLS, with a self-signed server certificate for 127.0.0.1."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = builder.add_extension(address, critical=False)
    server_certificate = builder.sign(key, hashes.SHA256())
    pem = server_certificate.public_bytes(serialization.Encoding.PEM)
    both = tmp_path / "issuer.pem"
    both.write_bytes(pem + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    ca = tmp_path / "issuer-ca.pem"
    ca.write_bytes(pem)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            pages = {
                "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": url + "/keys"},
                "/keys": {"keys": [certificate.jwk("k1")]},
            }
            body = json.dumps(pages[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url, ca
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def foreign_token(simulator, application, certificate, issuer):
    """Registers the issuer, and makes its tokens."""
    url, ca = issuer
    simulator.admin("POST", "/issuers", [{"issuer": url, "caFile": str(ca)}])
    application(federatedCredentials=[
        {"name": "k8s", "issuer": url, "subject": SUBJECT, "audience": AUDIENCE},
    ])

    def make(subject=SUBJECT):
        now = int(time.time())
        body = {"iss": url, "sub": subject, "aud": [AUDIENCE], "nbf": now, "exp": now + 600}
        return jwt.encode(body, certificate.key, algorithm="RS256", headers={"kid": "k1"})

    return make


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
