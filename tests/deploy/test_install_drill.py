"""What the drill takes from deploy/README.md are the commands that it means; `make install-drill` runs them."""

from __future__ import annotations

import pytest

from tests.deploy.install_drill import block

TAKEN = [
    ("1. User, folders, software", 0, "useradd --system"),
    ("1. User, folders, software", 1, "requirements-base.lock"),
    ("2. The node", 0, "ffp init --jurisdiction RS --url https://ffp-rs.example"),
    ("2. The node", 1, "identity-*.pem"),
    ("2. The node", 2, 'echo "$PASSPHRASE"'),
    ("3. The service", 0, "systemctl enable --now ffp"),
    ("4. TLS", 0, "curl -sS https://ffp-rs.example/readyz"),
    ("6. Peers", 1, "ffp peer add https://ffp-mk.example"),
]


@pytest.mark.parametrize(("section", "number", "meant"), TAKEN)
def test_a_block_is_the_one_that_is_meant(section: str, number: int, meant: str) -> None:
    assert meant in block(section, number)


def test_the_other_machine_is_the_other_jurisdiction() -> None:
    assert "ffp init --jurisdiction MK --url https://ffp-mk.example" in block("2. The node", 0, "mk")
