"""The Azure CLI as it is, with the simulator as a cloud of its own: the life of a vault by `az keyvault`."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import CLIENT, SECRET, SUBSCRIPTION, TENANT

NAME = "kv-az"


@pytest.fixture
def az(simulator, process, tmp_path):
    """Runs a command and gives what it prints; its settings are in a folder of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "AZURE_CONFIG_DIR": str(tmp_path),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        # The cloud is not among those that Entra's discovery knows.
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_SIMULATOR_HOSTS": process["hostsFile"],
        "PYTHONPATH": str(Path(__file__).parent / "names"),
        "REQUESTS_CA_BUNDLE": process["caFile"],
        "NO_PROXY": "*",
    }

    def run(*words):
        command = [os.environ["AZURE_CLI"], *words, "--output", "json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"az {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    yield run
    for path in (f"/vaults/{NAME}", f"/deletedvaults/{NAME}"):
        try:
            simulator.admin("DELETE", path)
        except OSError:
            pass  # It is not there.


def test_a_vault_lives_its_life(az, simulator):
    az("cloud", "register", "--name", "sim", "--endpoint-resource-manager", simulator.endpoints["resourceManager"])
    az("cloud", "set", "--name", "sim")
    az("login", "--service-principal", "--username", CLIENT, "--password", SECRET, "--tenant", TENANT)
    az("account", "set", "--subscription", SUBSCRIPTION)
    made = az("keyvault", "create", "--name", NAME, "--resource-group", "rg", "--location", "westeurope",
              "--retention-days", "7")
    assert made["properties"]["vaultUri"] == f"https://{NAME}.vault.sim.test/"
    assert made["properties"]["enableRbacAuthorization"] is True
    changed = az("keyvault", "update", "--name", NAME, "--public-network-access", "Disabled")
    assert changed["properties"]["publicNetworkAccess"] == "Disabled"
    assert az("keyvault", "show", "--name", NAME)["properties"]["softDeleteRetentionInDays"] == 7
    az("keyvault", "delete", "--name", NAME)
    deleted = az("keyvault", "list-deleted", "--resource-type", "vault")
    assert [one["name"] for one in deleted] == [NAME]
    assert az("keyvault", "recover", "--name", NAME)["properties"]["provisioningState"] == "Succeeded"
    az("keyvault", "delete", "--name", NAME)
    az("keyvault", "purge", "--name", NAME)
    assert az("keyvault", "list-deleted", "--resource-type", "vault") == []
