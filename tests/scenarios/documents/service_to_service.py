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

# What the sign-ins are for, as the articles go on that this one names at its end.
from lake_store import create_account, delete_account, work_with_files

groups = ResourceManagementClient(credentials, fill_in('SUBSCRIPTION_ID')).resource_groups.list()
adlsAcctClient = DataLakeStoreAccountManagementClient(credentials, fill_in('SUBSCRIPTION_ID'))
account = create_account(adlsAcctClient, fill_in('GROUP'), 'lakeofapp')
adlsFileSystemClient = core.AzureDLFileSystem(token, store_name='lakeofapp')
files = work_with_files(adlsFileSystemClient)
left = delete_account(adlsAcctClient, fill_in('GROUP'), 'lakeofapp')

tell(
    management=credentials.token['access_token'],
    filesystem=token.token['access'],
    groups=[group.name for group in groups],
    account=account,
    files=files,
    left=left,
)
