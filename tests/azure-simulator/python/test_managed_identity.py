"""azure-identity's managed identity clients, and its chain of defaults, against the machine's endpoints."""

import contextlib
import json
import logging
import os
import signal
import subprocess
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CredentialUnavailableError,
    DefaultAzureCredential,
    ManagedIdentityCredential,
)
from azure.keyvault.secrets import SecretClient
from conftest import CLIENT, OBJECT, SECRET, TENANT, Simulator
from people import claims

SYSTEM = "aaaaaaaa-0000-0000-0000-000000000001"
USER = "bbbbbbbb-0000-0000-0000-000000000002"
USER_OBJECT = "bbbbbbbb-0000-0000-0000-00000000000b"
USER_RESOURCE = (
    "/subscriptions/99999999-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/user"
)
IDENTITIES = {"managedIdentities": [
    {"tenantId": TENANT, "clientId": SYSTEM, "objectId": OBJECT, "resourceId": "/subscriptions/s/vm",
     "system": True},
    {"tenantId": TENANT, "clientId": USER, "objectId": USER_OBJECT, "resourceId": USER_RESOURCE},
]}
NAMED = [{"client_id": USER}, {"identity_config": {"object_id": USER_OBJECT}},
         {"identity_config": {"resource_id": USER_RESOURCE}}]
# Where clients look for the key files of Azure Arc, and nowhere else.
ARC_TOKENS = Path("/var/opt/azcmagent/tokens")


def appid(credential, simulator):
    """The client id in a token for the vault."""
    return claims(credential.get_token(simulator.scope).token)["appid"]


def variables(simulator, host):
    at = simulator.endpoints["managedIdentity"]
    return {
        "imds": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": at["imds"]},
        "appservice": {"IDENTITY_ENDPOINT": at["appService"], "IDENTITY_HEADER": at["header"]},
        "azureml": {"MSI_ENDPOINT": at["azureMl"], "MSI_SECRET": at["header"]},
        "cloudshell": {"MSI_ENDPOINT": at["cloudShell"]},
        "arc": {"IDENTITY_ENDPOINT": at["arc"], "IMDS_ENDPOINT": at["arcImds"]},
        "servicefabric": {
            "IDENTITY_ENDPOINT": at["serviceFabric"], "IDENTITY_HEADER": at["header"],
            "IDENTITY_SERVER_THUMBPRINT": at["serviceFabricThumbprint"],
        },
    }[host]


@pytest.fixture
def machine(simulator, monkeypatch):
    """Puts the environment in place that a machine of that kind has."""
    simulator.admin("POST", "/seed", IDENTITIES)
    for name in list(os.environ):
        if name.startswith(("AZURE_", "IDENTITY_", "MSI_", "IMDS_")) and name != "AZURE_SIMULATOR_BIN":
            monkeypatch.delenv(name)

    def be(host, **changes):
        for name, value in (variables(simulator, host) | changes).items():
            monkeypatch.setenv(name, value)
        return simulator

    return be


@pytest.mark.parametrize("host", ["imds", "appservice", "azureml", "cloudshell", "servicefabric"])
def test_the_machines_own_identity_is_given(machine, host):
    simulator = machine(host)
    assert appid(ManagedIdentityCredential(), simulator) == SYSTEM
    counted = simulator.admin("GET", "/counters")["operations"][host]
    assert counted == {"GetManagedIdentityToken": {"200": 1}}


@pytest.mark.parametrize("named", NAMED, ids=["client", "object", "resource"])
@pytest.mark.parametrize("host", ["imds", "appservice"])
def test_an_identity_is_named_by_any_of_its_ids(machine, host, named):
    simulator = machine(host)
    assert appid(ManagedIdentityCredential(**named), simulator) == USER


def test_machine_learning_is_told_the_client_id(machine):
    simulator = machine("azureml")
    assert appid(ManagedIdentityCredential(client_id=USER), simulator) == USER


def test_the_vault_takes_the_token(machine):
    simulator = machine("imds")
    client = SecretClient(simulator.vault_url, ManagedIdentityCredential())
    client.set_secret("by-machine", "one")
    assert client.get_secret("by-machine").value == "one"


def test_an_identity_that_is_not_there_is_told(machine):
    simulator = machine("imds")
    with pytest.raises(CredentialUnavailableError, match="Identity not found"):
        ManagedIdentityCredential(client_id=CLIENT).get_token(simulator.scope)


@pytest.mark.parametrize("status", [404, 410, 429, 503])
def test_an_endpoint_that_is_away_for_a_moment_is_asked_again(machine, status):
    simulator = machine("imds")
    simulator.admin("POST", "/faults", {"host": "imds", "count": 1, "fault": {"status": status}})
    assert appid(ManagedIdentityCredential(), simulator) == SYSTEM
    counted = simulator.admin("GET", "/counters")["operations"]["imds"]["GetManagedIdentityToken"]
    assert counted == {str(status): 1, "200": 1}


def test_a_wrong_header_is_told(machine):
    simulator = machine("appservice", IDENTITY_HEADER="other")
    with pytest.raises((ClientAuthenticationError, CredentialUnavailableError), match="401"):
        ManagedIdentityCredential().get_token(simulator.scope)


def test_service_fabric_is_held_to_its_thumbprint(machine):
    simulator = machine("servicefabric", IDENTITY_SERVER_THUMBPRINT="00" * 20)
    with pytest.raises(Exception, match="(?i)thumbprint"):
        ManagedIdentityCredential().get_token(simulator.scope)
    assert "servicefabric" not in simulator.admin("GET", "/counters")["operations"]


@pytest.fixture
def arc(machine, tmp_path):
    """A simulator of its own, whose key files lie where the client insists; `machine` has cleared the environment."""
    before = [folder for folder in (ARC_TOKENS, ARC_TOKENS.parent) if not folder.exists()]
    try:
        ARC_TOKENS.mkdir(parents=True, exist_ok=True)
    except PermissionError:
        pytest.skip(f"{ARC_TOKENS} cannot be made by this user, and the client takes no other folder")
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(IDENTITIES))
    command = [os.environ["AZURE_SIMULATOR_BIN"], "--dir", str(tmp_path / "run"), "--seed", str(seed),
               "--arc-tokens", str(ARC_TOKENS)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        simulator = Simulator(json.loads(started.stdout.readline()))
        yield simulator
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(20)
        started.stdout.close()
        # Another run may be using the folder.
        with contextlib.suppress(OSError):
            for folder in before:
                folder.rmdir()


@pytest.mark.parametrize("named", [{}, *NAMED], ids=["own", "client", "object", "resource"])
def test_arc_is_shown_the_key_of_its_file(arc, monkeypatch, named):
    for name, value in variables(arc, "arc").items():
        monkeypatch.setenv(name, value)
    assert appid(ManagedIdentityCredential(**named), arc) == (USER if named else SYSTEM)
    counted = arc.admin("GET", "/counters")["operations"]["arc"]["GetManagedIdentityToken"]
    assert counted == {"401": 1, "200": 1}


def defaults(simulator):
    return DefaultAzureCredential(
        authority=simulator.authority, disable_instance_discovery=True,
        exclude_developer_credentials=True,
    )


def test_the_chain_of_defaults_takes_the_environments_secret_first(machine, caplog):
    simulator = machine("imds", AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=CLIENT, AZURE_CLIENT_SECRET=SECRET)
    with caplog.at_level(logging.INFO, "azure.identity"):
        assert appid(defaults(simulator), simulator) == CLIENT
    assert "acquired a token from EnvironmentCredential" in caplog.text
    assert "imds" not in simulator.admin("GET", "/counters")["operations"]


def test_the_chain_of_defaults_falls_through_to_the_machine(machine, caplog):
    simulator = machine("imds")
    with caplog.at_level(logging.INFO, "azure.identity"):
        assert appid(defaults(simulator), simulator) == SYSTEM
    assert "acquired a token from ManagedIdentityCredential" in caplog.text


def test_a_secret_that_is_refused_ends_the_chain_of_defaults(machine):
    simulator = machine("imds", AZURE_TENANT_ID=TENANT, AZURE_CLIENT_ID=CLIENT, AZURE_CLIENT_SECRET="wrong")
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        defaults(simulator).get_token(simulator.scope)
    assert "imds" not in simulator.admin("GET", "/counters")["operations"]
