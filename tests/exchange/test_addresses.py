from __future__ import annotations

import pytest

from exchange.addresses import near


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - asked, not bound
        ("::", "[::1]"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("localhost", "localhost"),
    ],
)
def test_what_listens_is_reached_from_this_machine(host: str, reached: str) -> None:
    assert near(host) == reached
