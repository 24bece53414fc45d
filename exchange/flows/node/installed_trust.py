"""The trust root that is installed in a node's home, verified.

What reads it is loaded where there is one: most commands of most nodes need it not, and TUF takes 0.1 s to load.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.config import Settings
from exchange.errors import ConfigurationError, RootInvalid

if TYPE_CHECKING:
    from exchange.trust.registry import RoundFiles, Trust


@lru_cache(maxsize=1)
def _verified(rounds: tuple[RoundFiles, ...]) -> Trust:
    """Of bytes alone: ten rounds take 0.3 s, and status asks each time."""
    from exchange.trust.registry import verify_rounds

    return verify_rounds(rounds)


def installed_trust(settings: Settings) -> Trust | None:
    """What is installed; None when nothing ever was. Raises ConfigurationError when it cannot be believed."""
    return trust_in(settings.trust_root)


def trust_in(folder: Path) -> Trust | None:
    """As ``installed_trust``, by the folder."""
    if not os.path.lexists(folder):  # a link that leads nowhere is not nothing
        return None
    from exchange.trust.root_files import read_rounds

    try:
        return _verified(read_rounds(folder))
    except RootInvalid as error:
        raise ConfigurationError(
            f"The trust root in {folder} cannot be believed ({error.code}): {error} No new peer is admitted. Copy the "
            "folder from the backup."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The trust root in {folder} cannot be read: {error.strerror}. No new peer is admitted. The folder must be "
            "readable by the node's user."
        ) from error
