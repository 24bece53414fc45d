"""The client of the object store: what it confirms, and what it says when the store does not do as it should."""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from exchange.errors import NotFound, ObjectStoreUnavailable
from exchange.net import object_store
from exchange.net.object_store import BucketPlace, ObjectStore
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.object_server import KEY_ID, SECRET, Bucket, bucket_served
from tests.exchange.running_nodes import free_port

CONTENT = b"heights" * 500_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with bucket_served() as served:
        yield served


def place(served: Bucket, **changes: str) -> BucketPlace:
    return BucketPlace(**{
        "bucket": served.name, "prefix": "scans/ffp-rs", "endpoint": served.url, "region": "eu-1", "key_id": KEY_ID,
        "secret": SECRET, "allow_http": True, **changes,
    })  # fmt: skip


@pytest.fixture
def store(bucket: Bucket) -> ObjectStore:
    return ObjectStore(place(bucket), ANYWHERE)


def test_a_scan_there_and_back(store: ObjectStore, bucket: Bucket) -> None:
    assert store.put(SHA256, CONTENT)
    assert bucket.objects == {f"scans/ffp-rs/{SHA256[:2]}/{SHA256}": CONTENT}
    assert b"".join(store.pieces(SHA256)) == CONTENT
    assert store.digest(SHA256) == (SHA256, len(CONTENT))
    assert store.size(SHA256) == len(CONTENT)
    [listed] = store.listing()
    assert (listed.sha256, listed.size) == (SHA256, len(CONTENT))
    assert abs(listed.age_s) < 60
    store.remove(SHA256)
    store.remove(SHA256)
    assert (store.size(SHA256), list(store.listing()), bucket.objects) == (None, [], {})
    with pytest.raises(NotFound, match=SHA256):
        list(store.pieces(SHA256))


def test_a_name_that_is_taken_is_left_unless_it_is_to_be_replaced(store: ObjectStore, bucket: Bucket) -> None:
    assert store.put(SHA256, b"other bytes")
    assert not store.put(SHA256, CONTENT)
    assert set(bucket.objects.values()) == {b"other bytes"}
    assert store.put(SHA256, CONTENT, replace=True)
    assert set(bucket.objects.values()) == {CONTENT}


def test_what_is_not_a_scan_of_this_node_is_not_listed(store: ObjectStore, bucket: Bucket) -> None:
    for key in ("scans/ffp-mk/aa/" + "a" * 64, "scans/ffp-rs/readme", "scans/ffp-rs/bb/" + "a" * 64):
        bucket.put(key, b"of somebody else")
    assert list(store.listing()) == []


def acts(store: ObjectStore) -> list[object]:
    return [
        lambda: store.put(SHA256, b"bytes"),
        lambda: store.size(SHA256),
        lambda: list(store.pieces(SHA256)),
        lambda: store.remove(SHA256),
        lambda: list(store.listing()),
        store.check,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 503])
def test_a_store_that_refuses(store: ObjectStore, bucket: Bucket, status: int) -> None:
    bucket.refusing = status
    for act in acts(store):
        with pytest.raises(ObjectStoreUnavailable, match=f"{bucket.name}.*(refuses|{status})") as told:
            act()
        assert SECRET not in str(told.value)
        assert KEY_ID not in str(told.value)
    bucket.refusing = None
    store.check()


def test_a_bucket_that_is_gone_is_not_taken_for_an_empty_one(bucket: Bucket) -> None:
    store = ObjectStore(place(bucket, bucket="no-such-bucket"), ANYWHERE)
    for act in acts(store):
        with pytest.raises(ObjectStoreUnavailable, match="has no such bucket"):
            act()


@pytest.mark.slow
def test_nobody_listens(bucket: Bucket) -> None:
    store = ObjectStore(place(bucket, endpoint=f"http://127.0.0.1:{free_port()}"), ANYWHERE)
    began = time.monotonic()
    for act in acts(store):
        with pytest.raises(ObjectStoreUnavailable, match="does not answer"):
            act()
    assert time.monotonic() - began < 12


def test_a_store_that_is_silent_is_left(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "SILENT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = ObjectStore(place(bucket, endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"), ANYWHERE)
        began = time.monotonic()
        with pytest.raises(ObjectStoreUnavailable, match="does not answer"):
            store.put(SHA256, CONTENT)
        assert time.monotonic() - began < 8


def test_secrets_are_not_shown(bucket: Bucket, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = repr(place(bucket)) + repr(ObjectStore(place(bucket), ANYWHERE)) + caplog.text
    assert SECRET not in shown
    assert KEY_ID not in shown
