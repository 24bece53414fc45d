"""Put a calibration model into a node's home, and name it in its settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from exchange.config import load_settings
from exchange.errors import ConfigurationError
from exchange.flows.node.node import Node
from exchange.home import write_private
from exchange.log.audit_entry import Act, Actor, Deed
from matcher.likelihood.calibration_file import CalibrationModels

_LINE: Final = re.compile(r"^calibration\s*=.*$", re.MULTILINE)


def install_model(node: Node, by: Actor, models: CalibrationModels) -> Path:
    """1. Write the file beside the others: an earlier model stays, so that what it said can be read again.
    2. Name it in config.toml.
    3. Note in the audit who did it.

    A node that runs takes it when it is started anew. Raises ConfigurationError where the environment names another
    model: then nothing is changed.
    """
    home, name = node.settings.home, f"calibration-own-{models.widest.population.made_on}-{models.digest[:12]}.json"
    config = home / "config.toml"
    before = config.read_text(encoding="utf-8")

    # 1.
    write_private(home / name, models.to_json())

    # 2.
    line = f'calibration = "{name}"'
    after = _LINE.sub(line, before, count=1) if _LINE.search(before) else f"{line}\n{before}"
    write_private(config, after)
    if load_settings(home).calibration != Path(name):
        write_private(config, before)
        raise ConfigurationError(
            f"The setting calibration of the environment stands before config.toml: set it to {name} there."
        )

    # 3.
    node.audit.note(Deed(by, Act.INSTALL_MODEL, 1, (models.digest,), asked=name))
    return home / name
