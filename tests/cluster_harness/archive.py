"""Container images of a few files, written without any builder: an archive that `ctr images import` reads."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write(target: Path, name: str, files: Mapping[str, bytes], command: Sequence[str]) -> None:
    """Write a one-layer image `name` that holds `files` (all executable) and runs `command`."""
    layer = _tar({path: (content, 0o755) for path, content in sorted(files.items())})
    config = json.dumps(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Entrypoint": list(command), "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_sha256(layer)}"]},
        }
    ).encode()
    manifest = [{"Config": f"{_sha256(config)}.json", "RepoTags": [name], "Layers": [f"{_sha256(layer)}.tar"]}]
    parts = {
        manifest[0]["Config"]: config,
        f"{_sha256(layer)}.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    target.write_bytes(_tar({str(path): (content, 0o644) for path, content in parts.items()}))


def _tar(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
