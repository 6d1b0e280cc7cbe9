"""Account management and data operations on a Data Lake Store, in the order of the articles of these names."""

import tempfile

from azure.mgmt.datalake.store.models import CreateDataLakeStoreAccountParameters

DIRECTORY = "/mysampledirectory"
FILE = DIRECTORY + "/mysamplefile.txt"
READER = "88888888-1111-1111-1111-888888888888"


def create_account(client, group, name):
    """Makes an account, and looks at it."""
    client.accounts.create(group, name, CreateDataLakeStoreAccountParameters(location="eastus2")).wait()
    account = client.accounts.get(group, name)
    listed = [one.name for one in client.accounts.list_by_resource_group(group)]
    return {"name": account.name, "endpoint": account.endpoint, "state": account.provisioning_state,
            "listed": name in listed}


def work_with_files(files):
    """Makes a directory, uploads a file, changes its access, and removes the directory again."""
    files.mkdir(DIRECTORY)
    with tempfile.NamedTemporaryFile() as local:
        local.write(b"a line\n")
        local.flush()
        files.put(local.name, FILE)
    listed = files.ls(DIRECTORY)
    files.modify_acl_entries(FILE, acl_spec=f"user:{READER}:r--")
    entries = files.get_acl_status(FILE)["entries"]
    read = files.cat(FILE).decode()
    files.rm(FILE)
    empty = files.ls(DIRECTORY)
    files.rm(DIRECTORY, recursive=True)
    return {"listed": listed, "reads": f"user:{READER}:r--" in entries, "read": read, "empty": empty,
            "gone": not files.exists(DIRECTORY)}


def delete_account(client, group, name):
    """Deletes an account; whether it is still listed."""
    client.accounts.delete(group, name).wait()
    return name in [one.name for one in client.accounts.list()]
