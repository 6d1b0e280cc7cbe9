"""azure-keyvault-certificates against a simulated vault, with the secrets and keys behind the certificates."""

import base64
import datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.certificates import (
    ApiVersion,
    CertificateClient,
    CertificateContentType,
    CertificatePolicy,
    CertificatePolicyAction,
    KeyType,
    LifetimeAction,
    WellKnownIssuerNames,
)
from azure.keyvault.keys import KeyClient
from conftest import OBJECT, VAULT, Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from test_secrets import code


@pytest.fixture(autouse=True)
def administrator(simulator):
    role = {"principalId": OBJECT, "role": "Key Vault Administrator"}
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"roleAssignments": [role]})
    simulator.admin("POST", "/settings", {"issuanceDelayMs": 0})


@pytest.fixture
def certificates(simulator, credential):
    return CertificateClient(simulator.vault_url, credential, retry_total=0)


@pytest.fixture(scope="session")
def root_and_leaf():
    root = Certificate("root", ca=True)
    return root, Certificate("app.example", issuer=root)


@pytest.fixture
def keys(simulator, credential):
    return KeyClient(simulator.vault_url, credential, retry_total=0)


def policy(**named):
    return CertificatePolicy(WellKnownIssuerNames.self, subject="CN=app.example, O=Example", **named)


def create(client, name, wanted, **named):
    return client.begin_create_certificate(name, wanted, _polling_interval=0.05, **named).result()


def pfx(secret):
    assert secret.properties.content_type == "application/x-pkcs12"
    return pkcs12.load_pkcs12(base64.b64decode(secret.value), None)


def pem(secret):
    assert secret.properties.content_type == "application/x-pem-file"
    data = secret.value.encode()
    return serialization.load_pem_private_key(data, None), x509.load_pem_x509_certificates(data)


def test_create_makes_certificate_secret_and_key(certificates, keys, client):
    made = create(certificates, "app", policy(san_dns_names=["app.example"]), tags={"k": "v"})
    parsed = x509.load_der_x509_certificate(bytes(made.cer))
    assert parsed.subject.rfc4514_string() == "O=Example,CN=app.example"
    assert made.properties.x509_thumbprint == parsed.fingerprint(hashes.SHA1())
    assert int(made.properties.expires_on.timestamp()) == int(parsed.not_valid_after_utc.timestamp())
    assert made.properties.tags == {"k": "v"}
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.example"]
    parsed.verify_directly_issued_by(parsed)

    secret = client.get_secret("app")
    file = pfx(secret)
    assert file.cert.certificate == parsed
    assert file.key.public_key() == parsed.public_key()
    assert (secret.id, secret.properties.managed) == (made.secret_id, True)
    assert secret.properties.key_id == made.key_id
    assert secret.properties.version == made.properties.version

    key = keys.get_key("app")
    assert (key.id, key.properties.managed) == (made.key_id, True)
    assert int.from_bytes(key.key.n) == parsed.public_key().public_numbers().n
    assert [item.name for item in client.list_properties_of_secrets() if item.managed] == ["app"]
    assert [item.name for item in keys.list_properties_of_keys() if item.managed] == ["app"]


@pytest.mark.parametrize("version", list(ApiVersion))
def test_each_api_version_of_the_client_is_served(simulator, credential, version):
    older = CertificateClient(simulator.vault_url, credential, api_version=version, retry_total=0)
    create(older, "app", policy(key_type=KeyType.ec))
    assert older.get_certificate("app").name == "app"


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_certificates_on_curves_as_pem(certificates, keys, client, curve):
    wanted = policy(key_type=KeyType.ec, key_curve_name=curve, content_type=CertificateContentType.pem)
    made = create(certificates, "app", wanted)
    assert (made.policy.key_curve_name, made.policy.key_size) == (curve, int(curve.removeprefix("P-")))
    key, chain = pem(client.get_secret("app"))
    assert key.public_key() == chain[0].public_key()
    assert chain[0].public_bytes(serialization.Encoding.DER) == bytes(made.cer)
    jwk = keys.get_key("app").key
    assert (jwk.kty, jwk.crv) == ("EC", curve)
    assert int.from_bytes(jwk.x) == key.public_key().public_numbers().x


@pytest.mark.parametrize("bits", [3072, 4096])
def test_larger_rsa_keys(certificates, bits):
    made = create(certificates, "app", policy(key_size=bits))
    assert x509.load_der_x509_certificate(bytes(made.cer)).public_key().key_size == bits


@pytest.mark.parametrize("form", list(CertificateContentType))
def test_the_secret_of_a_key_that_is_not_exportable_has_no_key(certificates, client, form):
    # Without a key type, the client leaves `exportable` out.
    wanted = policy(exportable=False, key_type=KeyType.rsa, content_type=form)
    made = create(certificates, "app", wanted)
    secret = client.get_secret("app")
    if form == CertificateContentType.pem:
        assert "PRIVATE KEY" not in secret.value
        found = x509.load_pem_x509_certificates(secret.value.encode())
    else:
        file = pfx(secret)
        assert file.key is None
        found = [extra.certificate for extra in file.additional_certs]
    assert [one.public_bytes(serialization.Encoding.DER) for one in found] == [bytes(made.cer)]


def test_an_operation_is_followed_cancelled_and_deleted(simulator, certificates, client):
    simulator.admin("POST", "/settings", {"issuanceDelayMs": 3_600_000})
    poller = certificates.begin_create_certificate("app", policy(), _polling_interval=0.05)
    operation = certificates.get_certificate_operation("app")
    assert (operation.status, operation.issuer_name) == ("inProgress", "Self")
    request = x509.load_der_x509_csr(bytes(operation.csr))
    assert request.is_signature_valid
    with pytest.raises(ResourceExistsError):
        certificates.begin_create_certificate("app", policy())
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("app")
    unfinished = certificates.get_certificate("app")
    assert (unfinished.properties.enabled, unfinished.cer) == (False, None)
    assert [item.name for item in certificates.list_properties_of_certificates()] == []
    assert [item.name for item in certificates.list_properties_of_certificates(include_pending=True)] == ["app"]

    assert certificates.cancel_certificate_operation("app").cancellation_requested
    assert certificates.get_certificate_operation("app").status == "inProgress"
    simulator.admin("POST", "/clock", {"skewSeconds": 3600})
    try:
        assert certificates.get_certificate_operation("app").status == "cancelled"
        assert poller.result().status == "cancelled"
        assert certificates.delete_certificate_operation("app").status == "cancelled"
        with pytest.raises(ResourceNotFoundError) as raised:
            certificates.get_certificate_operation("app")
        assert code(raised) == ("PendingCertificateNotFound", None)
    finally:
        simulator.admin("POST", "/clock", {"skewSeconds": 0})


def test_an_operation_ends_when_its_time_has_come(simulator, certificates):
    simulator.admin("POST", "/settings", {"issuanceDelayMs": 100})
    made = create(certificates, "app", policy())
    done = certificates.get_certificate_operation("app")
    assert done.status == "completed"
    assert done.target.endswith("/certificates/app")
    assert made.properties.enabled


def test_a_merge_completes_what_somebody_else_signs(certificates, client):
    wanted = CertificatePolicy(WellKnownIssuerNames.unknown, subject="CN=app.example")
    certificates.begin_create_certificate("app", wanted, _polling_interval=0.05)
    request = x509.load_der_x509_csr(bytes(certificates.get_certificate_operation("app").csr))
    issuer = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(x509.Name.from_rfc4514_string("CN=somebody"))
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=2))
        .sign(issuer, hashes.SHA256())
    )
    merged = certificates.merge_certificate("app", [signed.public_bytes(serialization.Encoding.DER)])
    assert x509.load_der_x509_certificate(bytes(merged.cer)) == signed
    assert pfx(client.get_secret("app")).cert.certificate == signed
    assert certificates.get_certificate_operation("app").status == "completed"


@pytest.mark.parametrize("password", [None, "pass"])
def test_a_pfx_is_imported(certificates, client, certificate, password):
    data = certificate.file(pfx=True, password=password)
    imported = certificates.import_certificate("app", data, password=password)
    assert x509.load_der_x509_certificate(bytes(imported.cer)) == certificate.certificate
    file = pfx(client.get_secret("app"))
    assert (file.cert.certificate, file.key.private_numbers()) == (
        certificate.certificate, certificate.key.private_numbers())
    assert (imported.policy.issuer_name, imported.policy.subject) == ("Unknown", "CN=app")


def test_a_wrong_password_is_refused(certificates, certificate):
    with pytest.raises(HttpResponseError) as raised:
        certificates.import_certificate("app", certificate.file(pfx=True, password="right"), password="wrong")
    assert raised.value.status_code == 400


def test_a_pem_with_its_issuer_is_imported(certificates, client, root_and_leaf):
    root, leaf = root_and_leaf
    # The issuer stands before the certificate: the vault finds out which is the key's.
    data = leaf.key_pem + root.public_pem.encode() + leaf.public_pem.encode()
    wanted = CertificatePolicy(WellKnownIssuerNames.unknown, content_type=CertificateContentType.pem)
    imported = certificates.import_certificate("app", data, policy=wanted)
    assert x509.load_der_x509_certificate(bytes(imported.cer)) == leaf.certificate
    key, found = pem(client.get_secret("app"))
    assert found == [leaf.certificate, root.certificate]
    assert key.private_numbers() == leaf.key.private_numbers()
    kept = certificates.import_certificate("app", data, policy=wanted, preserve_order=True)
    assert kept.properties.preserve_order is True
    assert pem(client.get_secret("app"))[1] == [root.certificate, leaf.certificate]


def test_versions_and_policy_are_kept(certificates):
    actions = [LifetimeAction(CertificatePolicyAction.auto_renew, days_before_expiry=30)]
    first = create(certificates, "app", policy(validity_in_months=6, lifetime_actions=actions))
    second = create(certificates, "app", policy(validity_in_months=6, lifetime_actions=actions))
    versions = {item.version for item in certificates.list_properties_of_certificate_versions("app")}
    assert versions == {first.properties.version, second.properties.version}
    old = certificates.get_certificate_version("app", first.properties.version)
    assert bytes(old.cer) == bytes(first.cer) != bytes(second.cer)
    kept = certificates.get_certificate_policy("app")
    assert (kept.validity_in_months, kept.lifetime_actions[0].days_before_expiry) == (6, 30)
    changed = certificates.update_certificate_policy("app", policy(validity_in_months=3))
    assert changed.validity_in_months == 3
    assert certificates.get_certificate("app").policy.validity_in_months == 3


def test_attributes_and_tags_are_updated(certificates, client):
    create(certificates, "app", policy())
    changed = certificates.update_certificate_properties("app", enabled=False, tags={"a": "b"})
    assert (changed.properties.enabled, changed.properties.tags) == (False, {"a": "b"})
    assert certificates.get_certificate("app").properties.enabled is False
    with pytest.raises(HttpResponseError) as raised:
        client.get_secret("app")
    assert code(raised) == ("Forbidden", "SecretDisabled")


def test_a_list_goes_over_its_pages(simulator, certificates):
    seeds = [{"name": f"c{number:02}", "keyType": "EC-P256"} for number in range(30)]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"certificates": seeds})
    pages = [list(page) for page in certificates.list_properties_of_certificates().by_page()]
    assert [len(page) for page in pages] == [25, 5]
    assert all(item.x509_thumbprint and item.expires_on for page in pages for item in page)
    small = certificates.list_properties_of_certificates(max_page_size=10)
    assert [len(list(page)) for page in small.by_page()] == [10, 10, 10]


def test_delete_recover_and_purge_take_secret_and_key_along(certificates, keys, client):
    create(certificates, "app", policy())
    deleted = certificates.begin_delete_certificate("app", _polling_interval=0.05).result()
    assert deleted.recovery_id.endswith("/deletedcertificates/app")
    while not [item for item in certificates.list_deleted_certificates() if item.name == "app"]:
        pass
    for gone in (client.get_secret, keys.get_key, certificates.get_certificate):
        with pytest.raises(ResourceNotFoundError):
            gone("app")
    with pytest.raises(HttpResponseError):
        client.begin_recover_deleted_secret("app")
    certificates.begin_recover_deleted_certificate("app", _polling_interval=0.05).wait()
    assert pfx(client.get_secret("app")).key
    assert keys.get_key("app").name == "app"
    certificates.begin_delete_certificate("app", _polling_interval=0.05).wait()
    certificates.purge_deleted_certificate("app")
    with pytest.raises(ResourceNotFoundError) as raised:
        certificates.get_deleted_certificate("app")
    assert code(raised) == ("CertificateNotFound", None)
    with pytest.raises(ResourceNotFoundError):
        client.get_deleted_secret("app")


def test_secret_and_key_are_the_certificates(certificates, keys, client):
    create(certificates, "app", policy())
    for refused in (
        lambda: client.set_secret("app", "x"),
        lambda: client.begin_delete_secret("app"),
        lambda: keys.create_rsa_key("app"),
        lambda: keys.begin_delete_key("app"),
    ):
        with pytest.raises(HttpResponseError) as raised:
            refused()
        assert raised.value.status_code == 403
    client.set_secret("plain", "x")
    with pytest.raises(ResourceExistsError):
        certificates.begin_create_certificate("plain", policy())


def test_a_backup_is_restored(certificates, client):
    made = create(certificates, "app", policy())
    backup = certificates.backup_certificate("app")
    certificates.begin_delete_certificate("app", _polling_interval=0.05).wait()
    certificates.purge_deleted_certificate("app")
    while True:
        try:
            restored = certificates.restore_certificate_backup(backup)
            break
        except ResourceExistsError as error:
            assert error.error.innererror["code"] == "ObjectIsBeingDeleted"
    assert bytes(restored.cer) == bytes(made.cer)
    assert pfx(client.get_secret("app")).cert.certificate.public_bytes(serialization.Encoding.DER) == bytes(made.cer)


@pytest.mark.parametrize("order, expected", [
    ("leafFirst", ["CN=leaf", "CN=between", "CN=top"]),
    ("rootFirst", ["CN=top", "CN=between", "CN=leaf"]),
    ("shuffled", ["CN=between", "CN=leaf", "CN=top"]),
])
def test_a_seed_says_who_issues_and_in_which_order(simulator, client, order, expected):
    seed = {
        "name": "app", "subject": "CN=leaf", "keyType": "EC-P256", "contentType": "application/x-pem-file",
        "issuedBy": {"root": "CN=top", "intermediates": ["CN=between"], "keyType": "EC-P256"}, "order": order,
    }
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"certificates": [seed]})
    key, found = pem(client.get_secret("app"))
    assert [one.subject.rfc4514_string() for one in found] == expected
    named = {one.subject.rfc4514_string(): one for one in found}
    named["CN=leaf"].verify_directly_issued_by(named["CN=between"])
    named["CN=between"].verify_directly_issued_by(named["CN=top"])
    assert named["CN=leaf"].public_key() == key.public_key()


@pytest.mark.parametrize("ciphers", ["tripleDes", "rc2", "aes256"])
@pytest.mark.parametrize("order", ["leafFirst", "rootFirst", "shuffled"])
def test_a_seed_says_how_the_pfx_is_written(simulator, client, ciphers, order):
    seed = {
        "name": "app", "subject": "CN=leaf", "keyType": "EC-P256", "pfxCiphers": ciphers, "order": order,
        "issuedBy": {"root": "CN=top", "keyType": "EC-P256"},
    }
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"certificates": [seed]})
    file = pfx(client.get_secret("app"))
    assert file.cert.certificate.subject.rfc4514_string() == "CN=leaf"
    assert [extra.certificate.subject.rfc4514_string() for extra in file.additional_certs] == ["CN=top"]


def test_the_admin_api_rotates(simulator, certificates):
    path = f"/vaults/{VAULT}/certificates/app"
    first = simulator.admin("PUT", path, {"subject": "CN=once", "keyType": "EC-P384"})["version"]
    second = simulator.admin("PUT", path, {})["version"]
    assert first != second
    read = certificates.get_certificate("app")
    assert (read.properties.version, read.policy.subject, read.policy.key_curve_name) == (second, "CN=once", "P-384")
    simulator.admin("PATCH", path, {"enabled": False})
    assert certificates.get_certificate("app").properties.enabled is False
    simulator.admin("DELETE", path + "?purge=true")
    with pytest.raises(ResourceNotFoundError):
        certificates.get_certificate("app")


def test_without_a_role_it_is_forbidden(simulator, certificates):
    role = {"principalId": OBJECT, "role": "Key Vault Secrets Officer"}
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"roleAssignments": [role]})
    for refused in (
        lambda: certificates.get_certificate("app"),
        lambda: list(certificates.list_properties_of_certificates()),
        lambda: certificates.begin_create_certificate("app", policy()),
    ):
        with pytest.raises(HttpResponseError) as raised:
            refused()
        assert code(raised) == ("Forbidden", "ForbiddenByRbac")


def test_an_access_policy_names_certificates_apart(simulator, certificates, client):
    policies = [{"objectId": OBJECT, "secrets": ["get", "set", "list"], "certificates": ["list"]}]
    simulator.admin("PATCH", f"/vaults/{VAULT}", {"authorization": "AccessPolicies", "accessPolicies": policies})
    assert list(certificates.list_properties_of_certificates()) == []
    client.set_secret("s", "v")
    with pytest.raises(HttpResponseError, match="does not have certificates get permission") as raised:
        certificates.get_certificate("app")
    assert code(raised) == ("Forbidden", "AccessDenied")


def test_faults_meet_the_new_operations(simulator, certificates):
    fault = {"path": "^/certificates/", "methods": ["GET"], "count": 1, "fault": {"status": 429, "retryAfter": 0}}
    simulator.admin("POST", "/faults", fault)
    with pytest.raises(HttpResponseError) as raised:
        certificates.get_certificate("app")
    assert raised.value.status_code == 429
    counted = simulator.admin("GET", "/counters")["operations"][VAULT]
    assert counted["GetCertificate"]["429"] == 1
