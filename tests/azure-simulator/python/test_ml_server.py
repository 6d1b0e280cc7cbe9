"""azureml-model-management-sdk against a Machine Learning Server: by user name, by Entra, by a token."""

import sys

import pytest

if sys.version_info >= (3, 12):
    pytest.skip("the SDK imports a module that Python 3.12 no longer has", allow_module_level=True)

from adal.constants import AADConstants
from azureml.common.http_client import HttpException
from azureml.deploy import DeployClient
from azureml.deploy.server import MLServer
from conftest import TENANT
from people import NATIVE, PASSWORD, USER, USER_OBJECT, decide, seed_users

HOST = "https://mls.sim.test"
APPLICATION = "99999999-0000-0000-0000-000000000009"


@pytest.fixture
def server(simulator, monkeypatch):
    """The server; adal knows the simulator's authority, as it knows Microsoft's."""
    seed_users(simulator)
    simulator.admin("POST", "/seed", {
        "tenants": [{"id": TENANT, "applications": [{"clientId": APPLICATION}]}],
        "mlServers": [{
            "host": "mls.sim.test", "users": [{"username": "admin", "password": "pw"}],
            "audience": APPLICATION, "tenantId": TENANT,
        }],
    })
    known = [*AADConstants.WELL_KNOWN_AUTHORITY_HOSTS, "login.sim.test"]
    monkeypatch.setattr(AADConstants, "WELL_KNOWN_AUTHORITY_HOSTS", known)
    return simulator


def entra(simulator, **more):
    return {"authuri": simulator.authority, "tenant": TENANT, "clientid": NATIVE, "resource": APPLICATION, **more}


def last_caller(simulator):
    entries = simulator.admin("GET", "/journal?operation=ListServices")["entries"]
    return entries[-1]["principal"]["objectId"]


def test_a_user_of_the_server_signs_in(server):
    client = DeployClient(HOST, use=MLServer, auth=("admin", "pw"))
    assert client.list_services() == []
    assert last_caller(server) == "admin"
    assert server.admin("GET", "/counters")["operations"]["mls.sim.test"] == {
        "Login": {"200": 1}, "ListServices": {"200": 1}}


def test_a_wrong_password_is_a_401(server):
    with pytest.raises(HttpException) as raised:
        DeployClient(HOST, use=MLServer, auth=("admin", "wrong"))
    assert raised.value.status == 401
    assert raised.value.body == "Unauthorized (invalid credentials)"


def test_a_user_of_entra_signs_in(server):
    context = entra(server, username=USER, password=PASSWORD)
    assert DeployClient(HOST, use=MLServer, auth=context).list_services() == []
    assert last_caller(server) == USER_OBJECT


def test_a_user_of_entra_signs_in_at_another_device(server):
    context = entra(server, user_code_callback=lambda code: decide(server, code["user_code"]))
    # adal waits between its questions for as long as the answer says.
    assert DeployClient(HOST, use=MLServer, auth=context).list_services() == []


def test_a_token_of_another_audience_is_a_401(server, credential):
    token = credential.get_token(server.scope).token
    client = DeployClient(HOST, use=MLServer, auth=token)
    with pytest.raises(HttpException) as raised:
        client.list_services()
    assert raised.value.status == 401
