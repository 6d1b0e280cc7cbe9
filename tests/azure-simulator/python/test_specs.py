"""The check against published descriptions finds what is wrong."""

import copy

import pytest

URL = "https://h/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v?api-version=x"
VAULT = {"id": "i", "name": "n", "type": "t", "location": "l", "tags": {"a": "b"}, "properties": {
    "tenantId": "11111111-1111-1111-1111-111111111111", "sku": {"family": "A", "name": "standard"},
    "accessPolicies": []}}


@pytest.fixture
def checked(specs):
    if specs is None:
        pytest.skip("../shared is not there")

    def check(status=200, **properties):
        vault = copy.deepcopy(VAULT)
        vault["properties"].update(properties)
        return specs.check("GET", URL, None, status, vault, False)

    return check


def test_what_is_described_passes(checked):
    assert checked()


@pytest.mark.parametrize("wrong", [
    {"sku": None}, {"unknown": 1}, {"sku": {"family": "A", "name": "gold"}}, {"enableSoftDelete": "yes"},
    {"accessPolicies": [{"permissions": {}}]}, {"networkAcls": {"ipRules": [{}]}},
])
def test_what_is_not_described_is_found(checked, wrong):
    with pytest.raises(AssertionError):
        checked(**wrong)


def test_a_status_that_is_not_described_is_found(checked):
    with pytest.raises(AssertionError):
        checked(status=202)


def test_other_services_are_not_described(specs):
    if specs is None:
        pytest.skip("../shared is not there")
    assert not specs.check("GET", "https://h/subscriptions?api-version=x", None, 200, {}, False)
