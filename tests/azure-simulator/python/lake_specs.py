"""Checks requests and answers of the Data Lake endpoint against their published description (Swagger 2.0, `x-ms-paths`).

The description lies in the data folder ../shared, which may be absent. It is older than the service, and loose about bodies:
values that it calls booleans or numbers come as texts, and names differ in case. What it does not know is listed here.
"""

import json
import re
from urllib.parse import parse_qsl, urlsplit

FILE = "storage/data-plane/Azure.Storage.Files.DataLake/stable/2025-01-05/DataLakeStorage.json"
# Seen in recorded traffic, or sent with everything, and not described.
UNDESCRIBED = {
    "x-ms-client-request-id", "x-ms-namespace-enabled", "x-ms-server-encrypted", "x-ms-content-crc64",
    "x-ms-creation-time", "x-ms-owner", "x-ms-group", "x-ms-permissions", "x-ms-request-server-encrypted",
    "x-ms-default-encryption-scope", "x-ms-deny-encryption-scope-override",
}
# Of requests, and not described.
ANY = {"x-ms-date", "x-ms-client-request-id", "x-ms-version", "x-ms-default-encryption-scope",
       "x-ms-deny-encryption-scope-override"}


class LakeSpecs:
    """All described operations."""

    def __init__(self, root):
        self.document = json.loads((root / FILE).read_text())
        self.operations = []
        for described, methods in self.document["x-ms-paths"].items():
            path, _, query = described.partition("?")
            common = methods.get("parameters", [])
            for method, operation in methods.items():
                if method != "parameters":
                    wanted = dict(parse_qsl(query, keep_blank_values=True))
                    fixed = {p["name"]: p["enum"] for p in map(self.follow, common + operation.get("parameters", []))
                             if p["in"] == "query" and p.get("required") and "enum" in p}
                    self.operations.append((method.upper(), pattern(path), wanted, fixed, common, operation))

    def follow(self, part):
        return self.document["parameters"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part

    def find(self, method, url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        fits = [
            one for one in self.operations
            if one[0] == method and one[1].fullmatch(parts.path)
            and all(query.get(name) == value for name, value in one[2].items())
            and all(query.get(name) in values for name, values in one[3].items())
        ]
        return max(fits, key=lambda one: len(one[2]), default=None), query

    def check(self, method, url, headers, status, answered, body):
        """Raises when the exchange is not as it is described."""
        found, query = self.find(method, url)
        what = f"{method} {url}"
        assert found, f"{what} is not described"
        parameters = list(map(self.follow, found[4] + found[5].get("parameters", [])))
        self.check_request(parameters, query, headers, what)
        if status >= 400:
            error = json.loads(body)["error"] if body else {"code": "", "message": ""}
            assert set(error) == {"code", "message"}, f"{what}: {error}"
            return
        responses = found[5]["responses"]
        assert str(status) in responses, f"{what}: {status} is not described"
        described = {name.lower() for name in responses[str(status)].get("headers", {})} | UNDESCRIBED
        unknown = {name.lower() for name in answered if name.lower().startswith("x-ms-")} - described
        assert not unknown, f"{what}: {unknown}"
        schema = responses[str(status)].get("schema")
        if schema and body and schema.get("type") != "object":
            self.check_value(json.loads(body), schema, what)

    def check_request(self, parameters, query, headers, what):
        named = {p["name"].lower() for p in parameters if p["in"] == "query"} | {"resource", "action", "timeout"}
        unknown = {name.lower() for name in query} - named - {"restype", "comp", "beginfrom"}
        assert not unknown, f"{what}: query {unknown}"
        named = {p["name"].lower() for p in parameters if p["in"] == "header"} | ANY
        unknown = {name.lower() for name in headers if name.lower().startswith("x-ms-")} - named
        assert not unknown, f"{what}: headers {unknown}"
        for parameter in parameters:
            if parameter.get("required") and parameter["in"] == "query":
                assert parameter["name"] in query, f"{what}: {parameter['name']} is missing"

    def check_value(self, value, schema, what):
        if "$ref" in schema:
            return self.check_value(value, self.document["definitions"][schema["$ref"].rsplit("/", 1)[1]], what)
        if schema.get("type") == "array":
            assert isinstance(value, list), what
            for one in value:
                self.check_value(one, schema["items"], what)
        elif schema.get("type") == "object" or "properties" in schema:
            known = {name.lower(): one for name, one in schema["properties"].items()}
            known |= {"defaultencryptionscope": {}, "denyencryptionscopeoverride": {}}
            for name, one in value.items():
                assert name.lower() in known, f"{what}: {name} is not described"
                self.check_value(one, known[name.lower()], f"{what}: {name}")
        elif schema.get("type") == "integer":
            assert int(value) >= 0, what
        elif schema.get("type") == "boolean":
            assert value in ("true", "false"), what
        elif schema.get("type") == "string":
            assert isinstance(value, str), what


def pattern(path):
    text = re.escape(path).replace(re.escape("{filesystem}"), "[^/]+").replace(re.escape("{path}"), ".*")
    return re.compile(text + "/?" if path == "/{filesystem}" else text)
