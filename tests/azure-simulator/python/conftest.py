"""Starts the simulator, trusts its CA, and resolves names by its hosts file."""

import base64
import datetime
import json
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
import requests
from azure.identity import ClientSecretCredential
from azure.keyvault.secrets import SecretClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from specs import Specs, folder

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
OBJECT = "33333333-3333-3333-3333-333333333333"
SECRET = "s3cret"
VAULT = "kv-demo"

SUBSCRIPTION = "44444444-4444-4444-8444-444444444444"
OTHER_OBJECT = "33333333-3333-3333-3333-333333333334"

SEED = {
    "settings": {"deletionDelayMs": 100},
    "tenants": [{
        "id": TENANT,
        "name": "contoso.onmicrosoft.com",
        "applications": [{"clientId": CLIENT, "objectId": OBJECT, "secrets": [{"value": SECRET}]}],
    }],
    "subscriptions": [{
        "id": SUBSCRIPTION,
        "tenantId": TENANT,
        "displayName": "Tests",
        "providers": {"Microsoft.KeyVault": "Registered"},
        "resourceGroups": [{"name": "rg", "location": "westeurope"}],
        "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}],
    }],
    "vaults": [{
        "name": VAULT,
        "tenantId": TENANT,
        "roleAssignments": [{"principalId": OBJECT, "role": "Key Vault Secrets Officer"}],
    }],
}


class Simulator:
    """A running simulator and its admin API."""

    def __init__(self, endpoints):
        self.endpoints = endpoints
        self.authority = endpoints["authorityHost"]
        self.vault_url = f"https://{VAULT}.{endpoints['keyVaultSuffix']}"
        self.scope = endpoints["keyVaultAudience"] + "/.default"

    def admin(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoints["admin"] + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def addresses(self):
        """Address and port by name, as the hosts file has them now."""
        lines = Path(self.endpoints["hostsFile"]).read_text().splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return {name: address.rsplit(":", 1) for address, name in pairs}


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulator")
    seed = folder / "seed.json"
    seed.write_text(json.dumps(SEED))
    command = [os.environ["AZURE_SIMULATOR_BIN"], "--dir", str(folder / "run"), "--seed", str(seed)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = started.stdout.readline()
    if not line:
        pytest.exit(f"the simulator did not start: {started.wait(20)}", returncode=1)
    yield json.loads(line)
    started.send_signal(signal.SIGTERM)
    assert started.wait(20) == 0, "the simulator did not end cleanly"


def by_hosts_file(simulator, real=socket.getaddrinfo):
    """Looks names up as the simulator's hosts file has them, and nowhere else."""

    def resolve(host, port, *rest, **named):
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or name.replace(".", "").isdigit() or name == "localhost":
            return real(host, port, *rest, **named)
        try:
            address, port = simulator.addresses()[name]
        except KeyError:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return real(address, int(port), *rest, **named)

    return resolve


@pytest.fixture
def simulator(process, monkeypatch):
    """The seeded simulator; the process's names and roots are the simulator's."""
    simulator = Simulator(process)
    monkeypatch.setattr(socket, "getaddrinfo", by_hosts_file(simulator))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", process["caFile"])
    monkeypatch.setenv("NO_PROXY", "*")
    simulator.admin("DELETE", f"/vaults/{VAULT}")
    simulator.admin("POST", "/seed", SEED)
    simulator.admin("DELETE", "/faults")
    simulator.admin("DELETE", "/counters")
    return simulator


@pytest.fixture
def credential(simulator):
    return ClientSecretCredential(
        TENANT, CLIENT, SECRET, authority=simulator.authority, disable_instance_discovery=True
    )


@pytest.fixture
def client(simulator, credential):
    """With challenge verification on: the resource must be the vault's own domain."""
    return SecretClient(simulator.vault_url, credential, retry_total=0)


@pytest.fixture(scope="session")
def specs():
    found = folder()
    if found is None:
        print("SKIPPED: nothing is checked against descriptions: ../shared is not there (LAKEVAULT_SHARED names another place)")
    return found and Specs(found)


@pytest.fixture
def manager(simulator, credential, specs, monkeypatch):
    """Makes clients of the resource manager, whose requests and answers are checked against their descriptions."""
    url = simulator.endpoints["resourceManager"]
    described = []
    send = requests.adapters.HTTPAdapter.send

    def checked(adapter, request, **named):
        answer = send(adapter, request, **named)
        if specs is not None and request.url.startswith(url):
            body = json.loads(request.body) if request.body else None
            told = json.loads(answer.content) if answer.content else None
            by_gateway = "x-ms-failure-cause" in answer.headers
            described.append(
                specs.check(request.method, request.url, body, answer.status_code, told, by_gateway))
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", checked)

    def client(kind, *arguments, **named):
        return kind(credential, *arguments, base_url=url, credential_scopes=[url + "/.default"],
                    polling_interval=0, retry_total=0, **named)

    client.described = described
    yield client
    simulator.admin("POST", "/settings", DEFAULTS)


# Settings of the resource manager that tests change.
DEFAULTS = {
    "vaultCreationMs": 0, "vaultDeletionMs": 0, "purgeMs": 0, "groupDeletionMs": 0, "registrationMs": 0, "roleDelayMs": 0,
    "storageCreationMs": 0, "storageMigrationMs": 0, "storageNameHoldMs": 0, "lakeStoreCreationMs": 0,
    "lakeStoreDeletionMs": 0, "filesystemDeletionMs": 300,
    "lro": {"vaultPut": {"form": "body"}, "purge": {"form": "location"}, "groupDelete": {"form": "location"},
            "storagePut": {"form": "location"}, "lakeStorePut": {"form": "body"}, "lakeStoreDelete": {"form": "body"}},
}


class Certificate:
    """An RSA key with a certificate, self-signed or by an issuer."""

    def __init__(self, name="app", issuer=None, ca=False):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        now = datetime.datetime.now(datetime.timezone.utc)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .sign(signer.key, hashes.SHA256())
        )

    @property
    def public_pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def pem(self):
        """Key and certificate, as CertificateCredential reads them."""
        return self.key_pem + self.public_pem.encode()

    def file(self, pfx, password):
        """The same as a file: PEM or PKCS#12, with or without a password."""
        encryption = (
            serialization.BestAvailableEncryption(password.encode())
            if password else serialization.NoEncryption()
        )
        if pfx:
            return pkcs12.serialize_key_and_certificates(
                b"app", self.key, self.certificate, None, encryption)
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return key + self.public_pem.encode()

    def jwk(self, kid):
        numbers = self.key.public_key().public_numbers()

        def encoded(number):
            data = number.to_bytes((number.bit_length() + 7) // 8, "big")
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
                "n": encoded(numbers.n), "e": encoded(numbers.e)}


@pytest.fixture(scope="session")
def certificate():
    return Certificate()


@pytest.fixture(scope="session")
def certificates():
    """A root, and a certificate by it."""
    root = Certificate("root", ca=True)
    return root, Certificate("app.example", issuer=root)


@pytest.fixture
def application(simulator):
    """Changes the application's credentials; the seed puts the secret back."""

    def put(**credentials):
        body = {"objectId": OBJECT, **credentials}
        simulator.admin("PUT", f"/tenants/{TENANT}/applications/{CLIENT}", body)

    yield put
    simulator.admin("POST", "/seed", SEED)
