"""An application signs in with its secret, for management and for files of a Data Lake Store."""

from outcome import fill_in, tell

## Use this only for Azure AD service-to-service authentication
from azure.common.credentials import ServicePrincipalCredentials

## Required for Azure Data Lake Store account management
from azure.mgmt.datalake.store import DataLakeStoreAccountManagementClient
from azure.mgmt.datalake.store.models import DataLakeStoreAccount

## Required for Azure Data Lake Store filesystem management
from azure.datalake.store import core, lib, multithread

# Common Azure imports
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resource.resources.models import ResourceGroup

## Use these as needed for your application
import logging, getpass, pprint, uuid, time

credentials = ServicePrincipalCredentials(client_id = fill_in('CLIENT_ID'), secret = fill_in('CLIENT_SECRET'), tenant = fill_in('TENANT'))

token = lib.auth(tenant_id = fill_in('TENANT'), client_secret = fill_in('CLIENT_SECRET'), client_id = fill_in('CLIENT_ID'))

# The clients that these are for can be made. What they do needs an account of the Data Lake Store, which comes with the
# kind that manages such accounts.
DataLakeStoreAccountManagementClient(credentials, fill_in('SUBSCRIPTION_ID'))
groups = ResourceManagementClient(credentials, fill_in('SUBSCRIPTION_ID')).resource_groups.list()
core.AzureDLFileSystem(token, store_name='lake')

tell(
    management=credentials.token['access_token'],
    filesystem=token.token['access'],
    groups=[group.name for group in groups],
)
