"""Lists what a program of the workspace is made of, as CycloneDX JSON, from cargo's own metadata.

Usage: sbom.py PACKAGE VERSION OUTPUT     (metadata of `cargo metadata` on standard input)

The library of the CycloneDX project builds the document and checks it against the schema. The list has no number and no time of
its own, so it is the same for the same commit.
"""

import json
import os
import sys
import tomllib
from datetime import datetime, timezone
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot5
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parent.parent


def checksums() -> dict[tuple[str, str], str]:
    """What Cargo.lock pins."""
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    return {(p["name"], p["version"]): p["checksum"] for p in lock["package"] if "checksum" in p}


def linked(metadata: dict, root: str) -> dict[str, list[str]]:
    """Packages that go into a program, with those that each needs: no tests, no build scripts."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    needs: dict[str, list[str]] = {}
    queue = [root]
    while queue:
        package = queue.pop()
        if package in needs:
            continue
        kinds = ((dep["pkg"], {kind["kind"] for kind in dep["dep_kinds"]}) for dep in nodes[package]["deps"])
        needs[package] = sorted(name for name, of in kinds if None in of)
        queue.extend(needs[package])
    return needs


def component(package: dict, sums: dict[tuple[str, str], str], kind: ComponentType) -> Component:
    name, version = package["name"], package["version"]
    checksum = sums.get((name, version))
    told = package.get("license")
    # A slash is how some crates said OR before SPDX expressions were asked for.
    licenses = [LicenseFactory().make_from_string(told.replace("/", " OR "))] if told else []
    links = []
    if package.get("repository"):
        links.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"])))
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("cargo", None, name, version) if checksum else None,
        licenses=licenses,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=links,
    )


def main() -> None:
    name, version, output = sys.argv[1:]
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    root = next(id for id in metadata["workspace_members"] if packages[id]["name"] == name)
    needs, sums = linked(metadata, root), checksums()
    program = component(packages[root], sums, ComponentType.APPLICATION)
    parts = {id: component(packages[id], sums, ComponentType.LIBRARY) for id in needs if id != root}
    parts[root] = program

    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"https://lakevault.dev/sbom/{name}/{version}"))
    bom.metadata.component = program
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    for id in sorted(needs):
        if id != root:
            bom.components.add(parts[id])
        bom.register_dependency(parts[id], [parts[needed] for needed in needs[id]])

    text = JsonV1Dot5(bom).output_as_string(indent=1)
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(text)
    if wrong:
        sys.exit(f"sbom: not CycloneDX: {wrong}")
    Path(output).write_text(text + "\n")
    print(f"image: {len(needs) - 1} crates in {output}")


main()
