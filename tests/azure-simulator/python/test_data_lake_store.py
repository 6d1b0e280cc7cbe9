"""The official client of Data Lake Stores (Gen1)."""

import pytest
from azure.datalake.store import core, lib
from conftest import OBJECT, TENANT

ANN = "44444444-4444-4444-4444-444444444444"
STORE = {"name": "old1", "tenantId": TENANT, "roleAssignments": [{"principalId": OBJECT, "role": "Owner"}]}


@pytest.fixture
def store(simulator, credential):
    simulator.admin("POST", "/seed", {"dataLakeStores": [STORE]})
    files = core.AzureDLFileSystem(
        token_credential=credential, store_name="old1", url_suffix="azuredatalakestore.sim.test")
    if files.exists("/top"):
        files.rm("/top", recursive=True)
    return files


def test_a_file_is_written_appended_and_read(store):
    with store.open("/top/f", "wb") as file:
        file.write(b"hello ")
    with store.open("/top/f", "ab") as file:
        file.write(b"world")
    assert store.cat("/top/f") == b"hello world"
    with store.open("/top/f", "rb") as file:
        file.seek(6)
        assert file.read(3) == b"wor"
    assert store.info("/top/f")["length"] == 11


def test_directories_are_listed_moved_and_removed(store):
    store.mkdir("/top/a/b")
    store.touch("/top/a/f")
    assert sorted(store.ls("/top/a")) == ["top/a/b", "top/a/f"]
    assert sorted(store.walk("/top", details=False)) == ["top/a/f"]
    store.mv("/top/a", "/top/z")
    assert store.exists("/top/z/b") and not store.exists("/top/a")
    store.rm("/top/z", recursive=True)
    with pytest.raises(FileNotFoundError):
        store.info("/top/z")


def test_access_is_changed(store):
    store.mkdir("/top/a")
    store.set_acl("/top/a", acl_spec="user::rwx,group::r-x,other::---")
    store.modify_acl_entries("/top/a", acl_spec=f"user:{ANN}:r--,default:user:{ANN}:r-x")
    status = store.get_acl_status("/top/a")
    assert f"user:{ANN}:r--" in status["entries"] and f"default:user:{ANN}:r-x" in status["entries"]
    store.remove_acl_entries("/top/a", acl_spec=f"user:{ANN}")
    store.remove_default_acl("/top/a")
    store.remove_acl("/top/a")
    assert store.get_acl_status("/top/a")["entries"] == ["user::rwx", "group::r-x", "other::---"]
    store.chmod("/top/a", "700")
    store.chown("/top/a", owner=ANN)
    info = store.info("/top/a")
    assert (info["permission"], info["owner"]) == ("700", ANN)


def test_pieces_are_put_together(store):
    for name, text in (("a", b"1"), ("b", b"2")):
        with store.open(f"/top/parts/{name}", "wb") as file:
            file.write(text)
    store.concat("/top/whole", ["/top/parts/a", "/top/parts/b"])
    assert store.cat("/top/whole") == b"12"


def test_the_scope_may_be_the_clouds_own(store, credential):
    own = lib.DatalakeRESTInterface(
        "old1", credential, scopes="https://datalake.sim.test//.default", url_suffix="azuredatalakestore.sim.test")
    assert own.call("GETFILESTATUS", "")["FileStatus"]["type"] == "DIRECTORY"
