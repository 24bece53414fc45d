"""A node's settings: environment over secret files over ``config.toml`` in the node's home. Unknown keys are refused.

Each setting is read from ``FFP_NODE_<NAME>`` in the environment, from a file of that name under ``<home>/secrets``,
or from ``<home>/config.toml``. The home itself comes from ``--home`` or ``FFP_NODE_HOME``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from exchange.errors import ConfigurationError
from schemas.statements import NodeId, Url
from schemas.vocabulary import Jurisdiction

DEFAULT_HOME = Path("/var/lib/ffp")
HOME_VARIABLE = "FFP_NODE_HOME"
_PREFIX = "FFP_NODE_"
_FORMS = {
    "url": "is written http://host:port or https://host:port, in lower case and without a path",
    "node_id": "is written ffp-rs or ffp-rs-name, in lower case",
}

Seconds = Annotated[float, Field(gt=0, le=86_400)]
Bytes = Annotated[int, Field(gt=0, le=2**40)]


class Settings(BaseSettings):
    """Bounded on purpose: each limit says what it protects."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    home: Path
    jurisdiction: Jurisdiction
    node_id: NodeId
    url: Url
    """Where peers reach this node; it is part of what they sign."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8440
    max_scan_bytes: Bytes = 128 * 1024 * 1024
    """One scan. A breech face at 1 um takes about 30 MB, a whole case head 100 MB."""
    max_submission_bytes: Bytes = 512 * 1024 * 1024
    """One submission with all its scans: bounds the disk that one request may fill before it is checked."""
    min_free_bytes: Bytes = 512 * 1024 * 1024
    """Submissions are refused below this, so that the database can always finish what it began."""
    workers: Annotated[int, Field(ge=1, le=256)] = max(1, (os.cpu_count() or 2) - 1)
    """Processes that read and correlate scans; one core is left to answer people."""
    compute_timeout_s: Seconds = 120
    """The longest that a worker process may take over one scan or one correlation."""
    pull_interval_s: Seconds = 2
    """How often each peer is asked for news; jittered by a quarter, so that peers do not move in step."""
    peer_timeout_s: Seconds = 30
    checkpoint_interval_s: Annotated[float, Field(ge=1, le=3600)] = 1
    """A head of the log is signed at most this often, and only when the log grew."""
    log_check_interval_s: Seconds = 86_400
    """How often all that is at rest is read again and compared with what was signed."""
    request_skew_s: Annotated[float, Field(ge=1, le=300)] = 30
    """How far two nodes' clocks may differ before their signed requests are refused."""
    calibration: Path | None = None
    """A model that says what scores are worth, made by ``ffp calibrate``; relative to the home. Without one no
    likelihood ratio is given."""
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 8
    """How often a failing job is tried before it is set aside for the operator."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over secret files over TOML; ``.env`` files are not read."""
        home = Path(init_settings()["home"])
        secrets = home / "secrets"
        files = (SecretsSettingsSource(settings_cls, secrets_dir=secrets),) if secrets.is_dir() else ()
        return (init_settings, env_settings, *files, TomlConfigSettingsSource(settings_cls, home / "config.toml"))

    @property
    def database(self) -> Path:
        return self.home / "node.db"

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def blobs(self) -> Path:
        return self.home / "blobs"

    @property
    def incoming(self) -> Path:
        """What is still arriving; emptied at every start."""
        return self.home / "incoming"

    @property
    def prepared(self) -> Path:
        """Cleaned scans, made again from the blobs whenever they are missing."""
        return self.home / "prepared"

    @property
    def galleries(self) -> Path:
        """What correlation needs of every reference, made again from the prepared scans whenever it is missing."""
        return self.home / "galleries"

    @property
    def last_head(self) -> Path:
        """The last head of the own log that was signed, beside the database: it tells a restored one from the last."""
        return self.home / "last-head"

    @property
    def log_origin(self) -> str:
        return f"{self.node_id}.ffp-exchange/log"


def resolve_home(given: Path | None) -> Path:
    """The node's home: ``--home``, else ``FFP_NODE_HOME``, else ``/var/lib/ffp``."""
    return (given or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().absolute()


def load_settings(home: Path) -> Settings:
    """Read the settings of an initialised node.

    Raises ConfigurationError that names each faulty setting, and what to do when there is no node yet.
    """
    if not (home / "config.toml").is_file():
        raise ConfigurationError(
            f"There is no node in {home}. Make one with: ffp init --home {home} --jurisdiction RS --url http://..."
        )
    _refuse_unknown_environment()
    _refuse_unknown_secrets(home)
    try:
        return Settings(home=home)
    except ValidationError as error:
        raise ConfigurationError(
            f"The settings in {home / 'config.toml'} or the environment: {_faults(error)}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{home / 'config.toml'} is not TOML: {error}.") from error


def first_settings(home: Path, values: dict[str, str | int]) -> Settings:
    """The settings of a node that is being made. Raises ConfigurationError that names each faulty one."""
    try:
        return Settings(home=home, **values)  # type: ignore[arg-type]  # pydantic checks what the caller typed
    except ValidationError as error:
        raise ConfigurationError(f"These settings make no node: {_faults(error)}.") from error


def _faults(error: ValidationError) -> str:
    """Each faulty setting in one clause, without the value: it may be a secret."""
    clauses = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(map(str, item["loc"]))
        clauses.append(f"{name}: {_FORMS.get(name, item['msg'])}")
    return "; ".join(clauses)


def write_config(settings: dict[str, Any], home: Path) -> None:
    """Write the first ``config.toml``; values are validated strings and numbers, so quoting is safe."""
    lines = [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    ]
    (home / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _refuse_unknown_environment() -> None:
    unknown = [name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in _known()]
    if unknown:
        raise ConfigurationError(f"The environment names settings that do not exist: {', '.join(sorted(unknown))}.")


def _refuse_unknown_secrets(home: Path) -> None:
    folder = home / "secrets"
    names = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    unknown = [name for name in names if not name.startswith(".") and name.upper() not in _known()]
    if unknown:
        raise ConfigurationError(f"{folder} names settings that do not exist: {', '.join(sorted(unknown))}.")


def _known() -> set[str]:
    return {f"{_PREFIX}{name}".upper() for name in Settings.model_fields}
