"""An object store (S3) that keeps scans, each named by its SHA-256: bounded requests, and whole objects only.

When ``put`` returns, the store has confirmed the object and its size; the bytes were checked by it on arrival.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from exchange.errors import NotFound, ObjectStoreUnavailable
from exchange.net.egress import Guard
from exchange.net.tunnel import Tunnel

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

_CONNECT_S: Final = 3
SILENT_S: Final = 10
"""So long a store that has begun to answer may send nothing."""
REQUEST_S: Final = 600
"""The longest that one scan may take, either way."""
RETRIES: Final = 2
RETRIES_S: Final = 5
"""Somebody may wait: a store that is away is told of after some seconds; work in the outbox is tried again later."""
_PIECE_BYTES: Final = 1 << 20
_PAGE = 1000


@dataclass(frozen=True)
class BucketPlace:
    """Where the objects of one node are, ``prefix`` within a bucket, and what the node shows there that it is it.
    ``roots``: certificates in PEM, beside the system's. ``address``: for people."""

    bucket: str
    prefix: str
    endpoint: str | None
    region: str
    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    roots: bytes | None = None
    allow_http: bool = False

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}" + (f" at {self.endpoint}" if self.endpoint else "")


@dataclass(frozen=True)
class ListedObject:
    """An object as the store lists it; ``age_s`` by the store's clock and this machine's."""

    sha256: str
    size: int
    age_s: float


class ObjectStore:
    """Every method raises ObjectStoreUnavailable where the store is away, refuses, or has no such bucket."""

    def __init__(self, place: BucketPlace, guard: Guard) -> None:
        self.address = place.address
        self._tunnel = Tunnel(guard)
        self._store = _client(place, self._tunnel.url, retries=RETRIES, silent_s=SILENT_S)
        self._probe = _client(place, self._tunnel.url, retries=0, silent_s=_CONNECT_S)

    def close(self) -> None:
        self._tunnel.close()

    def put(self, sha256: str, content: bytes, *, replace: bool = False) -> bool:
        """Store a scan; False, and nothing is changed, when its name is taken and not to be replaced."""
        from obstore import put
        from obstore.exceptions import AlreadyExistsError

        with self._told():
            try:
                put(self._store, _name(sha256), content, mode="overwrite" if replace else "create", use_multipart=False)
            except AlreadyExistsError:
                return False
        if self.size(sha256) != len(content):
            raise ObjectStoreUnavailable(f"{self.address} took the scan {sha256}, and does not have it. Tried again.")
        return True

    def size(self, sha256: str) -> int | None:
        """None when the bucket has no such object."""
        from obstore import head

        with self._told():
            try:
                return int(head(self._store, _name(sha256))["size"])
            except FileNotFoundError:
                self._find_bucket()
                return None

    def pieces(self, sha256: str) -> Iterator[bytes]:
        """The bytes as the store has them: whoever reads them verifies them. Raises NotFound."""
        from obstore import get

        with self._told():
            try:
                found = get(self._store, _name(sha256))
            except FileNotFoundError as error:
                self._find_bucket()
                raise NotFound(f"The scan {sha256} is gone from {self.address}.") from error
            for piece in found.stream(min_chunk_size=_PIECE_BYTES):
                yield bytes(piece)

    def digest(self, sha256: str) -> tuple[str, int]:
        """The SHA-256 and the size of the bytes as the store has them. Raises NotFound."""
        digest, length = hashlib.sha256(), 0
        for piece in self.pieces(sha256):
            digest.update(piece)
            length += len(piece)
        return digest.hexdigest(), length

    def remove(self, sha256: str) -> None:
        """When this has returned the bucket has no such object; nothing happens when it had none."""
        from obstore import delete

        with self._told():
            delete(self._store, _name(sha256))
        if self.size(sha256) is not None:
            raise ObjectStoreUnavailable(f"{self.address} has the scan {sha256} still, although it was to erase it.")

    def listing(self) -> Iterator[ListedObject]:
        """All scans of this node; what is not named as one is passed over."""
        from obstore import list as objects_in

        with self._told():
            for page in objects_in(self._store, chunk_size=_PAGE):
                for found in page:
                    sha256 = found["path"].rpartition("/")[2]
                    if _is_digest(sha256) and found["path"] == _name(sha256):
                        age = datetime.now(UTC) - found["last_modified"]
                        yield ListedObject(sha256, found["size"], age.total_seconds())

    def check(self) -> None:
        """Whether it answers now; asked once, briefly."""
        with self._told():
            self._find_bucket()

    def _find_bucket(self) -> None:
        """Without a bucket everything in it looks as if it were gone."""
        from obstore import list as objects_in

        for _ in objects_in(self._probe, chunk_size=1):
            return

    @contextmanager
    def _told(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            if self._tunnel.refusal is not None:
                raise ObjectStoreUnavailable(str(self._tunnel.refusal)) from error
            raise ObjectStoreUnavailable(f"The object store {self.address} {_why(error)}. Tried again.") from error


def _client(place: BucketPlace, tunnel: str, *, retries: int, silent_s: float) -> S3Store:
    from obstore.store import S3Store

    config: S3Config = {"endpoint": place.endpoint} if place.endpoint else {}
    return S3Store(
        place.bucket,
        config=config,
        prefix=place.prefix,
        region=place.region,
        access_key_id=place.key_id,
        secret_access_key=place.secret,
        virtual_hosted_style_request=False,
        checksum_algorithm="SHA256",
        client_options={
            # it resolves names, follows redirects, and would ask the environment for a proxy: now the tunnel does
            "proxy_url": tunnel,
            "allow_http": place.allow_http,
            "connect_timeout": timedelta(seconds=_CONNECT_S),
            "read_timeout": timedelta(seconds=silent_s),
            "timeout": timedelta(seconds=REQUEST_S),
            **({"root_certificate": place.roots} if place.roots else {}),
        },
        retry_config={
            "max_retries": retries,
            "retry_timeout": timedelta(seconds=RETRIES_S),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    )


def _why(error: Exception) -> str:
    """In words that hold no key: what a store answers may repeat what it was sent."""
    from obstore import exceptions

    text = str(error)
    if "NoSuchBucket" in text:
        return "has no such bucket"
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return "refuses this node's key"
    status = next((text[at + 13 :][:3] for at in [text.find("status code: ")] if at >= 0), None)
    return f"answers with status {status}" if status and status.isdecimal() else "does not answer"


def _name(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"


def _is_digest(name: str) -> bool:
    return len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)
