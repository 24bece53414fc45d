"""An object store on this machine: moto's S3 over real HTTP, with a gate in front that a test opens and shuts."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

ACCOUNT = "123456789012"
KEY_ID, SECRET = "the-key-of-the-node", "the-secret-of-the-node"


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        return


@dataclass
class Bucket:
    """What is in it, and how the store behaves. ``refusing``: every request is answered with this status. ``before``
    and ``after`` see each request by method, before the store does, and before its answer leaves."""

    url: str
    name: str
    refusing: int | None = None
    before: Callable[[str], None] = lambda _method: None
    after: Callable[[str], None] = lambda _method: None
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, object]:
        return {
            "objects_url": f"s3://{self.name}/scans",
            "objects_endpoint": self.url,
            "objects_key_id": KEY_ID,
            "objects_secret": SECRET,
        }

    @property
    def objects(self) -> dict[str, bytes]:
        """Of all nodes, by key."""
        return {key: found.value for key, found in self._keys.items()}

    def of(self, node_id: str) -> set[bytes]:
        return {content for key, content in self.objects.items() if key.startswith(f"scans/{node_id}/")}

    def alter(self, content: bytes, into: bytes | None) -> None:
        """What somebody else does with it; None: the object is deleted."""
        [key] = [key for key, found in self.objects.items() if found == content]
        if into is None:
            self.client().delete_object(Bucket=self.name, Key=key)
        else:
            self.put(key, into)

    def put(self, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=self.name, Key=key, Body=content)

    def grow_old(self) -> None:
        """By more than a day."""
        for found in self._keys.values():
            found.last_modified -= timedelta(days=1, hours=1)

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="somebody",
            aws_secret_access_key="else",
        )

    @property
    def _keys(self) -> dict[str, Any]:
        return dict(s3_backends[ACCOUNT]["aws"].buckets[self.name].keys.items())


@contextmanager
def bucket_served() -> Iterator[Bucket]:
    store = DomainDispatcherApplication(create_backend_app)
    bucket = Bucket("", f"bucket-{secrets.token_hex(8)}")
    server = make_server("127.0.0.1", 0, _gated(store, bucket), threaded=True, request_handler=_Quiet)
    bucket.url = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    bucket.client().create_bucket(Bucket=bucket.name)
    bucket.asked.clear()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _gated(store: WSGIApplication, bucket: Bucket) -> WSGIApplication:
    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        of_the_node = KEY_ID in environ.get("HTTP_AUTHORIZATION", "")
        if of_the_node:
            bucket.asked.append((method, environ["PATH_INFO"]))
            if bucket.refusing is not None:
                start(f"{bucket.refusing} Refused", [("Content-Length", "0"), ("Connection", "close")])
                return []
            bucket.before(method)
        body = list(store(environ, start))
        if of_the_node:
            bucket.after(method)
        return body

    return answer
