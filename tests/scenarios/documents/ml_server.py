"""Connects to a Machine Learning Server: as a user of the server, and as a user of Entra."""

from outcome import fill_in, tell

from azureml.deploy import DeployClient
from azureml.deploy.server import MLServer

HOST = fill_in('HOST')
context = (fill_in('SERVER_USER'), fill_in('SERVER_PASSWORD'))
client = DeployClient(HOST, use=MLServer, auth=context)
on_premises = client.list_services()

context = {
    'authuri': 'https://login.windows.net',
    'tenant': fill_in('AAD_DOMAIN'),
    'clientid': fill_in('NATIVE_APP_CLIENT_ID'),
    'resource': fill_in('WEB_APP_CLIENT_ID'),
    'username': fill_in('USER'),
    'password': fill_in('PASSWORD')
}

client = DeployClient(HOST, use=MLServer, auth=context)

tell(on_premises=on_premises, cloud=client.list_services())
