"""What is in an image's archive."""

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Image:
    digest: str
    packed: int
    unpacked: int

    @classmethod
    def read(cls, archive: Path) -> "Image":
        with tarfile.open(archive) as tar:

            def blob(digest: str) -> bytes:
                file = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
                assert file
                return file.read()

            index = tar.extractfile("index.json")
            assert index
            [manifest] = json.load(index)["manifests"]
            layers = json.loads(blob(manifest["digest"]))["layers"]
            unpacked = 0
            for layer in layers:
                packed = blob(layer["digest"])
                plain = gzip.decompress(packed) if layer["mediaType"].endswith("gzip") else packed
                with tarfile.open(fileobj=io.BytesIO(plain)) as files:
                    unpacked += sum(member.size for member in files)
            return cls(manifest["digest"], sum(layer["size"] for layer in layers), unpacked)

    def sizes(self) -> str:
        return f"{self.packed / 2**20:.1f} MiB to pull, {self.unpacked / 2**20:.1f} MiB unpacked"
