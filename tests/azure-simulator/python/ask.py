"""Asks the simulator for tokens by the official clients, for tests that compare their requests with other clients'.

Usage: ask.py ENDPOINTS_JSON FOLDER. Seeds the simulator, and prints one line of JSON with what the credentials are. Then each
line of standard input is the name of a case below; the line printed for it says null, or what went wrong.
"""

import json
import os
import socket
import sys
import warnings
from pathlib import Path

import adal
import msal
import people
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from conftest import CLIENT, OBJECT, SECRET, SEED, TENANT, Certificate, Simulator, by_hosts_file
from issuer import Issuer
from people import NATIVE, PASSWORD, USER
from test_managed_identity import IDENTITIES, NAMED, variables
from test_managed_identity import USER as MACHINE_USER
from test_v1 import VAULT, print_of, private_key, stack_audience

CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'


class Clients:
    """The credentials, and the official clients that use them; each case makes its client anew, so that none has a token."""

    def __init__(self, simulator, folder, issuer):
        self.simulator, self.folder, self.issuer = simulator, folder, issuer
        self.other = simulator.endpoints["resourceManager"]
        self.certificate = Certificate()
        root = Certificate("root", ca=True)
        middle = Certificate("middle", issuer=root, ca=True)
        self.leaf = Certificate("app.example", issuer=middle)
        self.files = {
            "certificate": self.certificate.pem,
            "chain": self.leaf.pem + b"".join(each.public_pem.encode() for each in (middle, root)),
            "token": issuer.token().encode(),
            "pfx": self.certificate.file(pfx=True, password="pass"),
        }
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        self.seed(root)

    def seed(self, root):
        simulator = self.simulator
        simulator.admin("POST", "/seed", SEED)
        people.seed_stack(simulator, self.certificate)
        simulator.admin("POST", "/issuers", [self.issuer.trust])
        simulator.admin("PUT", f"/tenants/{TENANT}/applications/{CLIENT}", {
            "objectId": OBJECT, "secrets": [{"value": SECRET}],
            "certificates": [{"pem": self.certificate.public_pem}],
            "federatedCredentials": [self.issuer.federation],
            "subjectNameIssuer": [{"subject": "CN=app.example", "rootPem": root.public_pem}],
        })
        simulator.admin("POST", "/seed", IDENTITIES)
        simulator.admin("POST", "/settings", {"deviceCodeIntervalSeconds": 1})

    def described(self):
        return {
            "tenant": TENANT, "client": CLIENT, "secret": SECRET,
            "native": NATIVE, "username": USER, "password": PASSWORD,
            "vault": self.simulator.endpoints["keyVaultAudience"], "other": self.other, "stackVault": stack_audience(),
            "challenge": CHALLENGE, "machineUser": MACHINE_USER,
            "machineUserObject": NAMED[1]["identity_config"]["object_id"],
            "machineUserResource": NAMED[2]["identity_config"]["resource_id"],
            **{name: str(self.folder / name) for name in self.files},
        }

    def ask(self, case):
        kind, _, rest = case.partition(" ")
        {"entra": self.entra, "machine": self.machine, "adal": self.adal}[kind](*rest.split(" "))

    def entra(self, name):
        there = {"authority": self.simulator.authority, "disable_instance_discovery": True}
        scope = self.simulator.scope
        challenges = {"enable_cae": True}
        path = {name: str(self.folder / name) for name in self.files}

        def prompt(_uri, user_code, _expires_on):
            people.decide(self.simulator, user_code)

        def person():
            return UsernamePasswordCredential(NATIVE, USER, PASSWORD, tenant_id=TENANT, **there)

        def refreshed():
            credential = person()
            credential.get_token(scope)
            credential.get_token(self.other + "/.default")

        def secret(**named):
            ClientSecretCredential(TENANT, CLIENT, SECRET, **there).get_token(scope, **named)

        def certificate(file, **named):
            CertificateCredential(TENANT, CLIENT, path[file], **named, **there).get_token(scope, **challenges)

        {
            "secret": lambda: secret(**challenges),
            "handed-out": secret,
            "challenged": lambda: secret(claims=CHALLENGE, **challenges),
            "certificate": lambda: certificate("certificate"),
            "chain": lambda: certificate("chain", send_certificate_chain=True),
            "msal": lambda: self.msal(scope),
            "workload": lambda: WorkloadIdentityCredential(
                tenant_id=TENANT, client_id=CLIENT, token_file_path=path["token"], **there,
            ).get_token(scope, **challenges),
            "password": lambda: person().get_token(scope, **challenges),
            "refresh": refreshed,
            "device": lambda: DeviceCodeCredential(
                NATIVE, tenant_id=TENANT, prompt_callback=prompt, **there).get_token(scope),
        }[name]()

    def msal(self, scope):
        """MSAL itself: azure-identity gives it the SHA-1 thumbprint of a certificate, and no more."""
        file = {"private_key_pfx_path": str(self.folder / "pfx"), "passphrase": "pass"}
        app = msal.ConfidentialClientApplication(
            CLIENT, authority=f"{self.simulator.authority}/{TENANT}", client_credential=file,
            instance_discovery=False, client_capabilities=["CP1"])
        if "access_token" not in (answer := app.acquire_token_for_client([scope])):
            raise RuntimeError(answer)

    def machine(self, host, named):
        which = dict(zip(("own", "client", "object", "resource"), [{}, *NAMED], strict=True))[named]
        environment = variables(self.simulator, host)
        if host == "azureml":
            environment["DEFAULT_IDENTITY_CLIENT_ID"] = MACHINE_USER
        os.environ.update(environment)
        try:
            ManagedIdentityCredential(**which).get_token(self.simulator.scope)
        finally:
            for name in environment:
                del os.environ[name]

    def adal(self, provider, name):
        if provider == "aad":
            authority, resource = f"{self.simulator.authority}/{TENANT}", VAULT
        else:
            authority, resource = people.ADFS, stack_audience()
        context = adal.AuthenticationContext(authority, validate_authority=False, api_version=None)

        def password():
            return context.acquire_token_with_username_password(resource, USER, PASSWORD, NATIVE)

        def device():
            code = context.acquire_user_code(resource, NATIVE)
            people.decide(self.simulator, code["user_code"])
            context.acquire_token_with_device_code(resource, code, NATIVE)

        {
            "secret": lambda: context.acquire_token_with_client_credentials(resource, CLIENT, SECRET),
            "certificate": lambda: context.acquire_token_with_client_certificate(
                resource, CLIENT, private_key(self.certificate), print_of(self.certificate)),
            "password": password,
            "refresh": lambda: context.acquire_token_with_refresh_token(
                password()["refreshToken"], NATIVE, resource),
            "device": device,
        }[name]()


def main():
    endpoints, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    simulator = Simulator(endpoints)
    socket.getaddrinfo = by_hosts_file(simulator)
    os.environ.update({"REQUESTS_CA_BUNDLE": endpoints["caFile"], "NO_PROXY": "*"})
    warnings.simplefilter("ignore")
    said, sys.stdout = sys.stdout, sys.stderr
    with Issuer(folder, Certificate("signer")) as issuer:
        clients = Clients(simulator, folder, issuer)
        print(json.dumps(clients.described()), file=said, flush=True)
        for line in sys.stdin:
            outcome = None
            try:
                clients.ask(line.strip())
            except Exception as error:  # whatever it is, the test shall show it
                outcome = f"{type(error).__name__}: {error}"
            print(json.dumps(outcome), file=said, flush=True)


if __name__ == "__main__":
    main()
