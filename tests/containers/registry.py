"""A registry with one small image, served over the loopback interface."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "small"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_LAYER_BYTES = 3_000_000
_UNKNOWN = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'


@contextmanager
def registry() -> Iterator[str]:
    """Give the name of an image that the registry has, without its tag, which is 1."""
    blobs, manifest = _image()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, content = "application/octet-stream", blobs.get(self.path.rpartition("/")[2])
            if self.path == "/v2/":
                content = b"{}"
            elif self.path.startswith(f"/v2/{NAME}/manifests/"):
                known = self.path.endswith(("/1", _digest(manifest)))
                kind, content = _MANIFEST, manifest if known else None
            self.send_response(200 if content else 404)
            content = content or _UNKNOWN
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", _digest(content))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}/{NAME}"
        finally:
            server.shutdown()
            thread.join()


def _image() -> tuple[dict[str, bytes], bytes]:
    layers = [_layer(), _layer()]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"kit.test": "image"}, "Cmd": ["/none"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
        }
    ).encode()
    packed = [gzip.compress(layer, mtime=0) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _describe(config, _CONFIG),
        "layers": [_describe(layer, _LAYER) for layer in packed],
    }
    return {_digest(blob): blob for blob in (config, *packed)}, json.dumps(manifest).encode()


def _layer() -> bytes:
    # An engine that had it already would not fetch it.
    noise = random.randbytes(_LAYER_BYTES)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out:
        member = tarfile.TarInfo("noise")
        member.size = len(noise)
        out.addfile(member, io.BytesIO(noise))
    return packed.getvalue()


def _describe(blob: bytes, kind: str) -> dict[str, object]:
    return {"mediaType": kind, "size": len(blob), "digest": _digest(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
