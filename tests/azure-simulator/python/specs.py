"""Checks requests and answers against the published descriptions (Swagger 2.0) of the resource manager's interfaces.

The descriptions lie in the data folder ../shared, which may be absent. What they do not name is a mistake.
"""

import json
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema

FILES = [
    "keyvault/resource-manager/Microsoft.KeyVault/stable/2023-07-01/keyvault.json",
    "keyvault/resource-manager/Microsoft.KeyVault/stable/2023-07-01/secrets.json",
    "authorization/resource-manager/Microsoft.Authorization/stable/2022-04-01/authorization-RoleAssignmentsCalls.json",
    "storage/resource-manager/Microsoft.Storage/stable/2023-05-01/storage.json",
    "storage/resource-manager/Microsoft.Storage/stable/2023-05-01/blob.json",
    "datalake-store/resource-manager/Microsoft.DataLakeStore/stable/2016-11-01/account.json",
]


def folder():
    """The descriptions, or None."""
    beside = Path(__file__).parents[3] / ".." / "shared"
    shared = Path(os.environ.get("LAKEVAULT_SHARED", beside))
    found = shared / "azure/specs/specification"
    if found.is_dir():
        return found
    assert os.environ.get("LAKEVAULT_REQUIRE_SHARED") != "1", f"{found} is required, but not there"
    return None


class Specs:
    """All described operations, by path."""

    def __init__(self, root):
        self.documents = {}
        self.operations = []
        for name in FILES:
            file = (root / name).resolve()
            for path, methods in self.document(file)["paths"].items():
                if path == "/{roleAssignmentId}":
                    continue  # Any path at all; what it describes is described by scope and name, too.
                for method, operation in methods.items():
                    if method in ("get", "put", "patch", "post", "delete", "head"):
                        self.operations.append((method, pattern(path), len(path), file, operation))

    def document(self, file):
        if file not in self.documents:
            self.documents[file] = json.loads(file.read_text())
        return self.documents[file]

    def follow(self, reference, file):
        """What a reference names, and the file that it is in."""
        name, _, pointer = reference.partition("#")
        file = (file.parent / name).resolve() if name else file
        found = self.document(file)
        for step in pointer.strip("/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        return found, file

    def schema(self, schema, file, seen=()):
        """The schema with its references put in, and closed: what it does not name is refused."""
        if "$ref" in schema:
            key = (schema["$ref"], file)
            if key in seen:
                return {}
            found, file = self.follow(schema["$ref"], file)
            return self.schema(found, file, seen + (key,))
        result = {"properties": {}, "required": []}
        for part in schema.get("allOf", []):
            whole = self.schema(part, file, seen)
            result["properties"].update(whole.get("properties", {}))
            result["required"] += whole.get("required", [])
        for name, value in schema.get("properties", {}).items():
            result["properties"][name] = self.schema(value, file, seen)
        result["required"] += schema.get("required", [])
        for word in ("type", "pattern", "minLength", "maxLength", "minimum", "maximum", "format"):
            if word in schema:
                result[word] = schema[word]
        if "enum" in schema and not schema.get("x-ms-enum", {}).get("modelAsString"):
            # Services write the words of a description in other cases: ResolvingDns, FULL.
            result["pattern"] = f"^(?i:{'|'.join(map(re.escape, schema['enum']))})$"
        if "items" in schema:
            result["items"] = self.schema(schema["items"], file, seen)
        if isinstance(schema.get("additionalProperties"), dict):
            result["additionalProperties"] = self.schema(schema["additionalProperties"], file, seen)
        elif result["properties"]:
            result["additionalProperties"] = False
        if "type" in result and result["type"] != "object":
            del result["properties"], result["required"]
        return {word: value for word, value in result.items() if value not in ({}, [])}

    def operation(self, method, url):
        path = urlsplit(url).path.rstrip("/")
        fits = [o for o in self.operations if o[0] == method.lower() and o[1].fullmatch(path)]
        return max(fits, key=lambda o: o[2], default=None)

    def check(self, method, url, request, status, answer, by_gateway):
        """Whether the exchange is described; raises when it is not as it is described. Refusals of the gateway before a
        provider are the gateway's own."""
        found = self.operation(method, url)
        if found is None:
            return False
        _, _, _, file, operation = found
        if request is not None:
            for parameter in operation.get("parameters", []):
                if "$ref" in parameter:
                    parameter, _ = self.follow(parameter["$ref"], file)
                if parameter.get("in") == "body":
                    validate(request, self.schema(parameter["schema"], file), f"the request {method} {url}")
        if by_gateway:
            return True
        responses = operation["responses"]
        what = f"the answer {status} to {method} {url}"
        assert str(status) in responses or status >= 400, f"{what} is not described"
        described = responses.get(str(status), responses.get("default"))
        if described is None:
            return True  # No refusal is described.
        if "schema" in described:
            validate(answer, self.schema(described["schema"], file), what)
        elif status < 400:
            assert answer is None, f"{what} has a body: {answer}"
        return True


def pattern(path):
    """A described path as a regular expression. A scope stands for several segments."""
    parts = re.split(r"(\{[^}]+\})", path.rstrip("/"))
    names = ["(?:.+)" if part == "{scope}" else "(?:[^/]+)" for part in parts[1::2]]
    fixed = [re.escape(part) for part in parts[::2]]
    text = "".join(a + b for a, b in zip(fixed, names + [""]))
    return re.compile(text.replace("//", "/"), re.IGNORECASE)


def validate(value, schema, what):
    checker = jsonschema.Draft4Validator(schema)
    errors = [f"{'/'.join(map(str, e.path))}: {e.message}" for e in checker.iter_errors(pruned(value))]
    assert not errors, f"{what}: {errors}"


def pruned(value):
    """Without fields that are null: a description knows only of fields that are there or not."""
    if isinstance(value, dict):
        return {k: pruned(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [pruned(one) for one in value]
    return value
