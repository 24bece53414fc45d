"""A provider of OpenID Connect that others wrote (oidc-provider-mock, over Authlib), as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.exchange.running_nodes import free_port

START_S = 30


@contextmanager
def real_provider(*users: str) -> Iterator[str]:
    """Its address; it knows these users, by subject and preferred_username."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    for user in users:
        command += ["--user-claims", json.dumps({"sub": f"sub-{user}", "preferred_username": user})]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://localhost:{port}"
    try:
        _wait(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the provider ended at once"
        try:
            if httpx.get(f"{address}/.well-known/openid-configuration", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the provider did not start within {START_S} s")
