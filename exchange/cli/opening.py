"""Open a node for a command; on a terminal the passphrase of its keys is asked for when no setting gives it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from exchange.errors import ConfigurationError
from exchange.home import resolve_home

if TYPE_CHECKING:
    from pydantic import SecretStr

    from exchange.flows.node.node import Node


@contextmanager
def node_at(home: Path | None) -> Iterator[Node]:
    """Open the node that the option ``--home`` names, for the length of a block."""
    from exchange.flows.node.node import opened

    with opened(resolve_home(home)) as node:
        yield node


@contextmanager
def opened_here(home: Path, *, moved: bool = False) -> Iterator[Node]:
    """As ``flows.node.opened``."""
    from exchange.config import load_settings
    from exchange.flows.node.node import opened
    from exchange.trust.key_files import is_encrypted

    settings, passphrase = load_settings(home), None
    if settings.key_passphrase is None and is_encrypted(settings.keys):
        passphrase = ask_secret("Passphrase of the keys")
    with opened(home, passphrase=passphrase, moved=moved) as node:
        yield node


def passphrase_for(home: Path) -> SecretStr | None:
    """What is asked for where keys are encrypted and no setting opens them. None of a home of which that cannot be
    told, for a command that examines what is wrong with it."""
    from exchange.config import load_settings
    from exchange.trust.key_files import is_encrypted

    try:
        settings = load_settings(home)
        wanted = settings.key_passphrase is None and is_encrypted(settings.keys)
    except (ConfigurationError, OSError):
        return None
    return ask_secret("Passphrase of the keys") if wanted else None


def ask_secret(question: str, *, twice: bool = False) -> SecretStr | None:
    """What is typed, unseen; None when nobody can be asked."""
    from pydantic import SecretStr

    if not sys.stdin.isatty():
        return None
    return SecretStr(typer.prompt(question, hide_input=True, confirmation_prompt=twice))
