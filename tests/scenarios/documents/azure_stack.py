"""Azure Stack Hub by certificate: a group, a vault in it, a secret set and read, the list of vaults, and all deleted again."""

from outcome import fill_in, tell

import inspect
import logging
import os

import adal
from azure.keyvault import KeyVaultClient, KeyVaultId
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource import ResourceManagementClient
from azure.profiles import KnownProfiles
from msrestazure.azure_active_directory import AADTokenCredentials
from msrestazure.azure_cloud import get_cloud_from_metadata_endpoint

# The vault client of those years calls a function that Python 3.11 no longer has.
inspect.getargspec = inspect.getfullargspec


def _get_authority_url(cloud, tenant):
    """The sample leaves this out. ADFS is whole as it is; Entra needs the tenant."""
    login = cloud.endpoints.active_directory.rstrip('/')
    is_adfs = login.endswith('/adfs')
    return (login if is_adfs else login + '/' + tenant), is_adfs


# The sample leaves these out, too.
LOCATION = os.environ['AZURE_RESOURCE_LOCATION']
GROUP_NAME = fill_in('GROUP')
KV_NAME = fill_in('VAULT')


def print_item(item):
    """The name of a group or a vault, and where it is."""
    print("Name: {}, id: {}, location: {}".format(item.name, item.id, item.location))


# get_Credentials_cert function to get credentials object
def get_credentials_cert(resource_uri=None):
    mystack_cloud = get_cloud_from_metadata_endpoint(
        os.environ['ARM_ENDPOINT'])

    subscription_id = os.environ['AZURE_SUBSCRIPTION_ID']

    # By Default, use AzureStack supported profile
    KnownProfiles.default.use(KnownProfiles.v2018_03_01_hybrid)

    # set default logging level
    logging.basicConfig(level=logging.DEBUG)

    """
    Authenticate using service principal w/ cert.
    """

    cert_file = os.environ['AZURE_CERT_PATH']
    tenant = os.environ['AZURE_TENANT_ID']
    client_id = os.environ['AZURE_CLIENT_ID']

    from OpenSSL.crypto import load_certificate, FILETYPE_PEM
    with open(cert_file, 'r') as file_reader:
        cert_file_string = file_reader.read()
        cert = load_certificate(FILETYPE_PEM, cert_file_string)
        thumbprint = cert.digest("sha1").decode()

    authority_uri, is_adfs = _get_authority_url(
        mystack_cloud, tenant)

    if resource_uri is None:
        resource_uri = mystack_cloud.endpoints.active_directory_resource_id

    context = adal.AuthenticationContext(
        authority_uri, api_version=None, validate_authority=(not is_adfs))

    mgmt_token = context.acquire_token_with_client_certificate(
        resource_uri, client_id, cert_file_string, thumbprint)
    credentials = AADTokenCredentials(mgmt_token, client_id)

    return credentials, subscription_id, mystack_cloud

# Retrieve auth token using service principal credentials
credentials, subscription_id, mystack_cloud = get_credentials_cert()

# Create Keyvault management client using cert based service principal credentials
kv_client = KeyVaultManagementClient(credentials, subscription_id,
                                     base_url=mystack_cloud.endpoints.resource_manager)

# Create Resource Manager client
resource_client = ResourceManagementClient(credentials, subscription_id,
                                           base_url=mystack_cloud.endpoints.resource_manager)

# The resource URI for keyvault needs to be specified to get the auth token for the same
vault_resource_uri = mystack_cloud.endpoints.active_directory_resource_id.replace("management", "vault")
kv_dp_credentials, subscription_id, mystack_cloud = get_credentials_cert(vault_resource_uri)

# Create a keyvault data plane client using the token provider
kv_data_client = KeyVaultClient(kv_dp_credentials)

# You MIGHT need to add KeyVault as a valid provider for these credentials
# If so, this operation has to be done only once for each credentials
resource_client.providers.register('Microsoft.KeyVault')

# Create Resource group
print('Create Resource Group')
resource_group_params = {'location': LOCATION}
print_item(resource_client.resource_groups.create_or_update(
    GROUP_NAME, resource_group_params))

vault = kv_client.vaults.create_or_update(
    GROUP_NAME,
    KV_NAME,
    {
        'location': LOCATION,
        'properties': {
            'sku': {
                'name': 'standard'
            },
            'tenant_id': os.environ['AZURE_TENANT_ID'],
            'access_policies': [{
                'tenant_id': os.environ['AZURE_TENANT_ID'],
                'object_id': os.environ['AZURE_OBJECT_ID'],
                'permissions': {
                    'keys': ['all'],
                    'secrets': ['all'],
                    'certificates':['all']
                }
            }]
        }
    }
)
print_item(vault)

secret_bundle = kv_data_client.set_secret(
    vault.properties.vault_uri, 'auth-sample-secret', 'some secret')
print(secret_bundle)

secret_bundle = kv_data_client.get_secret(
    vault.properties.vault_uri, 'auth-sample-secret', secret_version=KeyVaultId.version_none)
print(secret_bundle)

# The sample only prints them.
listed = []
for vault in kv_client.vaults.list():
    print_item(vault)
    listed.append(vault.name)

delete_async_operation = resource_client.resource_groups.delete(GROUP_NAME)
delete_async_operation.wait()
print("\nDeleted: {}".format(GROUP_NAME))

tell(
    management=credentials.token['access_token'],
    vault=kv_dp_credentials.token['access_token'],
    secret={'id': secret_bundle.id, 'value': secret_bundle.value},
    listed=listed,
    left=[group.name for group in resource_client.resource_groups.list()],
)
