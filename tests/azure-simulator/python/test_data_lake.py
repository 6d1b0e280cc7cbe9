"""The official clients of the Data Lake and the blob service."""

import datetime
import json
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import (
    AccountSasPermissions, DataLakeServiceClient, DirectorySasPermissions, FileSystemSasPermissions, ResourceTypes,
    generate_account_sas, generate_directory_sas, generate_file_system_sas)
from conftest import CLIENT, OBJECT, SECRET, TENANT
from lake_specs import LakeSpecs
from specs import folder

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw=="
ANN = "44444444-4444-4444-4444-444444444444"
ACCOUNT = {
    "name": "lake1", "tenantId": TENANT, "isHnsEnabled": True, "keys": [KEY, KEY],
    "blobService": {"containerDeleteRetention": {"enabled": True, "days": 7}},
    "roleAssignments": [{"principalId": OBJECT, "role": "Storage Blob Data Owner"}],
}


@pytest.fixture(scope="session")
def lake_specs():
    found = folder()
    if found is None:
        print("SKIPPED: the Data Lake is not checked against its description: ../shared is not there")
    return found and LakeSpecs(found)


@pytest.fixture
def account(simulator, lake_specs, monkeypatch):
    """An account whose Data Lake calls are checked against their description; its URL."""
    simulator.admin("POST", "/settings", {"filesystemDeletionMs": 0})
    simulator.admin("POST", "/seed", {"storageAccounts": [ACCOUNT]})
    for filesystem in simulator.admin("GET", "/filesystems/lake1")["filesystems"]:
        simulator.admin("DELETE", f"/filesystems/lake1/{filesystem['name']}")
    url = "https://lake1.dfs.storage.sim.test"
    send = requests.adapters.HTTPAdapter.send

    def checked(adapter, request, **named):
        answer = send(adapter, request, **named)
        if lake_specs is not None and request.url.startswith(url) and "sig=" not in request.url:
            body = "" if named.get("stream") and urlsplit(request.url).query == "" else answer.text
            lake_specs.check(request.method, request.url, request.headers, answer.status_code, answer.headers, body)
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", checked)
    return url


def client_of(account, credential):
    return DataLakeServiceClient(account, credential=credential, retry_total=0)


@pytest.fixture
def service(account, credential):
    return client_of(account, credential)


@pytest.fixture
def filesystem(service):
    return service.create_file_system("data", metadata={"of": "tests"})


def test_filesystems_are_made_listed_and_restored(service, filesystem):
    assert filesystem.get_file_system_properties().metadata == {"of": "tests"}
    with pytest.raises(ResourceExistsError):
        service.create_file_system("data")
    assert [one.name for one in service.list_file_systems()] == ["data"]
    filesystem.delete_file_system()
    assert not filesystem.exists()
    deleted = [one for one in service.list_file_systems(include_deleted=True) if one.deleted]
    restored = service.undelete_file_system("data", deleted[-1].deleted_version)
    assert restored.exists()


def test_a_directorys_access_is_set_and_read(filesystem):
    directory = filesystem.create_directory("a/b", permissions="0770", umask="0007")
    assert directory.get_access_control()["permissions"] == "rwxrwx---"
    acl = f"user::rwx,user:{ANN}:r-x,group::r-x,other::---,default:user::rwx,default:group::---,default:other::---"
    directory.set_access_control(acl=acl, owner=ANN)
    read = directory.get_access_control()
    assert read["owner"] == ANN and read["permissions"] == "rwxr-x---+"
    assert read["acl"] == acl.replace("group::r-x,other", "group::r-x,mask::r-x,other")
    properties = directory.get_directory_properties()
    with pytest.raises(ResourceModifiedError):
        directory.set_access_control(permissions="0700", etag='"0x1"', match_condition=IF_NOT_MODIFIED)
    assert properties.metadata["hdi_isfolder"] == "true"
    child = directory.create_sub_directory("c")
    assert "default:user::rwx" in child.get_access_control()["acl"]


def test_access_is_changed_recursively_in_batches(simulator, filesystem):
    simulator.admin("POST", "/filesystems/lake1/data/tree", {"path": "top", "count": 250, "fanOut": 3, "depth": 2})
    top = filesystem.get_directory_client("top")
    seen = []
    result = top.set_access_control_recursive(
        f"user::rwx,user:{ANN}:r-x,group::r-x,other::---", batch_size=100, progress_hook=seen.append)
    assert (result.counters.directories_successful, result.counters.files_successful) == (13, 238)
    assert len(seen) == 3 and result.continuation is None
    simulator.admin("PUT", "/filesystems/lake1/data/failures", [{"path": "top/d0/d0/f0"}, {"path": "top/d1/d0/f0"}])
    result = top.update_access_control_recursive(f"user:{ANN}:rwx", batch_size=100, continue_on_failure=True,
                                                 progress_hook=seen.append)
    assert result.counters.failure_count == 2
    failed = [failure.name for batch in seen for failure in batch.batch_failures]
    assert failed == ["top/d0/d0/f0", "top/d1/d0/f0"]
    simulator.admin("PUT", "/filesystems/lake1/data/failures", [])
    result = top.remove_access_control_recursive(f"mask,default:user,default:group,user:{ANN},default:user:{ANN}")
    assert result.counters.failure_count == 0
    assert filesystem.get_file_client("top/d0/d0/f0").get_access_control()["acl"] == "user::rwx,group::r-x,other::---"


def test_a_file_is_uploaded_read_and_renamed(filesystem):
    file = filesystem.get_file_client("a/f")
    file.upload_data(b"x" * 1000, overwrite=True, metadata={"k": "v"}, validate_content=True)
    assert file.download_file().readall() == b"x" * 1000
    assert file.download_file(offset=10, length=5).readall() == b"xxxxx"
    properties = file.get_file_properties()
    assert (properties.size, properties.metadata["k"]) == (1000, "v")
    file.set_metadata({"k": "w"})
    renamed = file.rename_file("data/b c")
    assert renamed.get_file_properties().metadata["k"] == "w"
    with pytest.raises(ResourceNotFoundError):
        file.get_file_properties()
    assert [path.name for path in filesystem.get_paths()] == ["a", "b c"]
    first = next(iter(filesystem.get_paths(max_results=1, upn=True).by_page()))
    assert [path.name for path in first] == ["a"]
    renamed.append_data(b"yy", offset=1000)
    renamed.flush_data(1002)
    assert renamed.get_file_properties().size == 1002
    renamed.delete_file()


def test_a_lease_keeps_others_out(filesystem):
    file = filesystem.create_file("f")
    lease = file.acquire_lease(15)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        file.delete_file()
    file.delete_file(lease=lease)
    lease = filesystem.acquire_lease(-1)
    with pytest.raises(HttpResponseError, match="LeaseIdMissing"):
        filesystem.delete_file_system()
    lease.release()
    filesystem.delete_file_system()


def test_a_directory_is_deleted_with_what_it_holds(filesystem):
    directory = filesystem.create_directory("a")
    directory.create_file("f")
    directory.delete_directory()
    assert not directory.exists()


def test_a_key_signs(account, filesystem):
    by_key = client_of(account, AzureNamedKeyCredential("lake1", KEY)).get_file_system_client("data")
    by_key.create_directory("by key/über", metadata={"a": "b"})
    by_key.get_file_client("by key/f").upload_data(b"abc", overwrite=True)
    assert [path.owner for path in by_key.get_paths()] == ["$superuser"] * 3
    by_key.get_directory_client("by key").set_access_control_recursive("user::rwx,group::---,other::---")
    wrong = client_of(account, AzureNamedKeyCredential("lake1", KEY.replace("MDE", "MDI")))
    with pytest.raises(ClientAuthenticationError):
        wrong.get_file_system_client("data").create_directory("x")


def in_an_hour():
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)


def test_links_of_all_kinds_do(account, service, filesystem):
    filesystem.get_file_client("a/b/f").upload_data(b"abc", overwrite=True)
    key = service.get_user_delegation_key(in_an_hour() - datetime.timedelta(hours=2), in_an_hour())
    assert key.signed_oid == OBJECT
    links = {
        "account": generate_account_sas(
            "lake1", KEY, ResourceTypes(object=True, file_system=True), AccountSasPermissions(read=True, list=True),
            in_an_hour()),
        "filesystem": generate_file_system_sas(
            "lake1", "data", KEY, FileSystemSasPermissions(read=True, list=True), in_an_hour()),
        "delegated": generate_file_system_sas(
            "lake1", "data", key, FileSystemSasPermissions(read=True, list=True), in_an_hour()),
        "directory": generate_directory_sas(
            "lake1", "data", "a/b", key, DirectorySasPermissions(read=True, list=True), in_an_hour()),
        "keyed directory": generate_directory_sas(
            "lake1", "data", "a", KEY, DirectorySasPermissions(read=True), in_an_hour()),
        "agent": generate_file_system_sas(
            "lake1", "data", key, FileSystemSasPermissions(read=True), in_an_hour(), preauthorized_agent_object_id=ANN),
    }
    for name, link in links.items():
        linked = client_of(account, AzureSasCredential(link)).get_file_system_client("data")
        assert linked.get_file_client("a/b/f").download_file().readall() == b"abc", name
        with pytest.raises(HttpResponseError) as refused:
            linked.create_directory("x")
        assert refused.value.status_code == 403, name
    shut = client_of(account, AzureSasCredential(links["directory"])).get_file_system_client("data")
    filesystem.get_file_client("a/g").upload_data(b"abc", overwrite=True)
    with pytest.raises(HttpResponseError):
        shut.get_file_client("a/g").download_file()


def test_who_has_no_role_is_let_in_by_lists(account, simulator, filesystem):
    from azure.identity import ClientSecretCredential

    other = "44444444-4444-4444-4444-444444444445"
    simulator.admin("PUT", f"/tenants/{TENANT}/applications/{other}",
                    {"objectId": ANN, "secrets": [{"value": SECRET}]})
    filesystem.get_file_client("a/f").upload_data(b"abc", overwrite=True)
    ann = ClientSecretCredential(TENANT, other, SECRET, authority=simulator.authority, disable_instance_discovery=True)
    hers = client_of(account, ann).get_file_client("data", "a/f")
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        hers.download_file()
    for path in ("/", "a"):
        filesystem.get_directory_client(path).update_access_control_recursive(f"user:{ANN}:r-x")
    assert hers.download_file().readall() == b"abc"
    assert CLIENT != other


def test_a_missing_token_is_asked_for_as_the_challenge_tells(account):
    answer = requests.get(f"{account}/data?resource=filesystem&recursive=false", headers={"x-ms-version": "2023-11-03"})
    assert answer.status_code == 401
    assert "resource_id=" in answer.headers["WWW-Authenticate"]
    assert json.loads(answer.text)["error"]["code"] == "NoAuthenticationInformation"


def test_blobs_are_the_same_files(account, credential, filesystem):
    blobs = BlobServiceClient(account.replace(".dfs.", ".blob."), credential=credential, retry_total=0)
    container = blobs.get_container_client("data")
    container.upload_blob("x/y", b"abc", metadata={"k": "v"})
    assert filesystem.get_file_client("x/y").download_file().readall() == b"abc"
    assert [blob.name for blob in container.list_blobs()] == ["x", "x/y"]
    assert [blob.name for blob in container.walk_blobs()] == ["x/"]
    blob = container.get_blob_client("x/y")
    assert blob.get_blob_properties().metadata == {"k": "v"}
    blob.delete_blob()
    assert not blob.exists()
    assert blobs.get_account_information()["is_hns_enabled"]


from azure.core import MatchConditions  # noqa: E402

IF_NOT_MODIFIED = MatchConditions.IfNotModified
