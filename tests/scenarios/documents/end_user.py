"""A person signs in by name and password, and by device code, for management and for files of a Data Lake Store."""

from outcome import fill_in, tell

## Use this only for Azure AD service-to-service authentication
from azure.common.credentials import ServicePrincipalCredentials

## Use this only for Azure AD end-user authentication
from azure.common.credentials import UserPassCredentials

## Use this only for Azure AD multi-factor authentication
from msrestazure.azure_active_directory import AADTokenCredentials

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

user = input('Enter the user to authenticate with that has permission to subscription: ')
password = getpass.getpass()

credentials = UserPassCredentials(user, password)

tenant_id = fill_in('TENANT')
client_id = fill_in('CLIENT_ID')
user = input('Enter the user to authenticate with that has permission to subscription: ')
password = getpass.getpass()

token = lib.auth(tenant_id, user, password, client_id)

# A person with a second factor: the same call without name and password shows a code.
by_code = lib.auth(tenant_id, client_id=client_id)

# What the import for multi-factor authentication is for: adal shows a code, and its token is handed over.
import adal

context = adal.AuthenticationContext('https://login.microsoftonline.com/' + tenant_id, api_version=None)
code = context.acquire_user_code('https://management.core.windows.net/', client_id)
print(code['message'], flush=True)
mgmt_token = context.acquire_token_with_device_code('https://management.core.windows.net/', code, client_id)
many_factors = AADTokenCredentials(mgmt_token, client_id, tenant=tenant_id)

# What the sign-ins are for, as the articles go on that this one names at its end: those by password make and fill an account,
# those by code look at the files and delete it.
from lake_store import create_account, delete_account, work_with_files

adlsAcctClient = DataLakeStoreAccountManagementClient(credentials, fill_in('SUBSCRIPTION_ID'))
account = create_account(adlsAcctClient, fill_in('GROUP'), 'lakeofperson')
files = work_with_files(core.AzureDLFileSystem(token, store_name='lakeofperson'))
top = core.AzureDLFileSystem(by_code, store_name='lakeofperson').ls('/')
adlsAcctClient = DataLakeStoreAccountManagementClient(many_factors, fill_in('SUBSCRIPTION_ID'))
left = delete_account(adlsAcctClient, fill_in('GROUP'), 'lakeofperson')

tell(
    management=credentials.token['access_token'],
    filesystem=token.token['access'],
    filesystem_by_code=by_code.token['access'],
    management_by_code=many_factors.token['access_token'],
    account=account,
    files=files,
    top=top,
    left=left,
)
