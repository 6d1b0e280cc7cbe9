"""azure-keyvault-keys against a simulated vault."""

import datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import ApiVersion, JsonWebKey, KeyClient, KeyCurveName, KeyOperation
from conftest import OBJECT, VAULT
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_secrets import code


@pytest.fixture(autouse=True)
def officer(simulator):
    role = {"principalId": OBJECT, "role": "Key Vault Crypto Officer"}
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"roleAssignments": [role]})


@pytest.fixture
def keys(simulator, credential):
    return KeyClient(simulator.vault_url, credential, retry_total=0)


def test_an_rsa_key_is_made_and_read(keys):
    expiry = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    made = keys.create_rsa_key("k", size=3072, expires_on=expiry, tags={"a": "b"})
    assert made.key.n.__len__() == 384
    assert made.key.e == b"\x01\x00\x01"
    assert made.key_operations == ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
    read = keys.get_key("k", made.properties.version)
    assert (read.id, read.key.n, read.properties.expires_on, read.properties.tags) == (
        made.id, made.key.n, expiry, {"a": "b"})
    assert read.properties.recovery_level == "Recoverable+Purgeable"
    assert read.properties.managed is None


@pytest.mark.parametrize("curve", [KeyCurveName.p_256, KeyCurveName.p_384, KeyCurveName.p_521])
def test_a_key_on_a_curve_is_made(keys, curve):
    made = keys.create_ec_key("k", curve=curve, key_operations=[KeyOperation.sign])
    assert (made.key.kty, made.key.crv, made.key_operations) == ("EC", curve, ["sign"])
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(made.key.x), int.from_bytes(made.key.y), curves[curve.value])
    numbers.public_key()


@pytest.mark.parametrize("version", list(ApiVersion))
def test_each_api_version_of_the_client_is_served(simulator, credential, version):
    older = KeyClient(simulator.vault_url, credential, api_version=version, retry_total=0)
    older.create_ec_key("k")
    assert older.get_key("k").name == "k"


def number(value, length=None):
    return value.to_bytes(length or (value.bit_length() + 7) // 8, "big")


def test_an_rsa_key_is_imported(keys):
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    public = private.public_numbers
    jwk = JsonWebKey(
        kty="RSA", key_ops=["sign", "verify"], n=number(public.n), e=number(public.e), d=number(private.d),
        p=number(private.p), q=number(private.q), dp=number(private.dmp1), dq=number(private.dmq1),
        qi=number(private.iqmp))
    imported = keys.import_key("k", jwk)
    assert (imported.key.n, imported.key_operations) == (number(public.n), ["sign", "verify"])
    assert imported.key.d is None
    jwk.p, jwk.q = jwk.q, jwk.q
    with pytest.raises(HttpResponseError) as raised:
        keys.import_key("k", jwk)
    assert raised.value.status_code == 400


def test_a_key_on_a_curve_is_imported(keys):
    private = ec.generate_private_key(ec.SECP521R1()).private_numbers()
    public = private.public_numbers
    jwk = JsonWebKey(
        kty="EC", crv="P-521", x=number(public.x, 66), y=number(public.y, 66), d=number(private.private_value, 66))
    assert int.from_bytes(keys.import_key("k", jwk).key.x) == public.x


def test_versions_update_and_list(simulator, keys):
    first, second = keys.create_ec_key("k"), keys.create_ec_key("k")
    versions = {item.version for item in keys.list_properties_of_key_versions("k")}
    assert versions == {first.properties.version, second.properties.version}
    changed = keys.update_key_properties("k", first.properties.version, enabled=False, key_operations=["verify"])
    assert (changed.properties.enabled, changed.key_operations) == (False, ["verify"])
    assert keys.get_key("k").properties.enabled is True
    seeds = [{"name": f"k{number:02}", "keyType": "EC-P256"} for number in range(29)]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"keys": seeds})
    pages = [list(page) for page in keys.list_properties_of_keys().by_page()]
    assert [len(page) for page in pages] == [25, 5]


def test_delete_recover_and_purge(keys):
    keys.create_ec_key("k")
    deleted = keys.begin_delete_key("k", _polling_interval=0.05)
    assert deleted.result().recovery_id.endswith("/deletedkeys/k")
    deleted.wait()
    assert [item.name for item in keys.list_deleted_keys()] == ["k"]
    with pytest.raises(ResourceExistsError) as raised:
        keys.create_ec_key("k")
    assert code(raised) == ("Conflict", "ObjectIsDeletedButRecoverable")
    keys.begin_recover_deleted_key("k", _polling_interval=0.05).wait()
    assert keys.get_key("k").name == "k"
    keys.begin_delete_key("k", _polling_interval=0.05).wait()
    keys.purge_deleted_key("k")
    with pytest.raises(ResourceNotFoundError) as raised:
        keys.get_deleted_key("k")
    assert code(raised) == ("KeyNotFound", None)


def test_a_backup_is_restored(keys):
    made = keys.create_ec_key("k")
    backup = keys.backup_key("k")
    keys.begin_delete_key("k", _polling_interval=0.05).wait()
    keys.purge_deleted_key("k")
    while True:
        try:
            restored = keys.restore_key_backup(backup)
            break
        except ResourceExistsError as error:
            assert error.error.innererror["code"] == "ObjectIsBeingDeleted"
    assert (restored.id, restored.key.x) == (made.id, made.key.x)


def test_what_azure_does_not_know_is_refused(keys):
    for refused in (
        lambda: keys.create_rsa_key("k", size=1024),
        lambda: keys.create_ec_key("k", curve="P-192"),
        lambda: keys.create_ec_key("k", key_operations=["dance"]),
        lambda: keys.create_ec_key("under_score"),
    ):
        with pytest.raises(HttpResponseError) as raised:
            refused()
        assert (raised.value.status_code, code(raised)[0]) == (400, "BadParameter")


def test_the_admin_api_rotates(simulator, keys):
    path = f"/vaults/{VAULT}/keys/k"
    first = simulator.admin("PUT", path, {"keyType": "EC-P256"})["version"]
    second = simulator.admin("PUT", path, {"keyType": "RSA-2048"})["version"]
    assert first != second
    assert keys.get_key("k").key.kty == "RSA"


def test_a_permission_for_keys_is_its_own(simulator, keys):
    policies = [{"objectId": OBJECT, "secrets": ["all"], "keys": ["get"]}]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"authorization": "AccessPolicies", "accessPolicies": policies})
    with pytest.raises(ResourceNotFoundError):
        keys.get_key("k")
    with pytest.raises(HttpResponseError, match="does not have keys list permission") as raised:
        list(keys.list_properties_of_keys())
    assert code(raised) == ("Forbidden", "AccessDenied")
