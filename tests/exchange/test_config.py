"""Settings: where each comes from, which source wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.config import Settings, load_settings
from exchange.config_files import write_config
from exchange.errors import ConfigurationError
from exchange.flows.node.blob_cache import object_store_of
from exchange.home import DEFAULT_HOME, resolve_home
from tests.exchange.anywhere import ANYWHERE

VALUES: dict[str, str | int] = {
    "jurisdiction": "RS",
    "node_id": "ffp-rs",
    "url": "http://127.0.0.1:8440",
    "port": 8440,
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_config(VALUES, tmp_path)
    return tmp_path


def secret(home: Path, name: str, content: str) -> None:
    (home / "secrets").mkdir(exist_ok=True)
    (home / "secrets" / name).write_text(content, encoding="utf-8")


def extend(home: Path, text: str) -> None:
    config = home / "config.toml"
    config.write_text(config.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_the_file_alone(home: Path) -> None:
    settings = load_settings(home)
    assert (settings.home, settings.jurisdiction, settings.port) == (home, "RS", 8440)
    assert settings.database == home / "node.db"


def test_environment_over_secret_file_over_toml(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extend(home, "workers = 2\npull_interval_s = 2\npeer_timeout_s = 2\n")
    secret(home, "FFP_NODE_WORKERS", "3\n")
    secret(home, "ffp_node_pull_interval_s", "3")
    monkeypatch.setenv("FFP_NODE_WORKERS", "4")
    settings = load_settings(home)
    assert (settings.workers, settings.pull_interval_s, settings.peer_timeout_s) == (4, 3, 2)


def test_a_dotenv_file_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".env").write_text("FFP_NODE_WORKERS=7\n", encoding="utf-8")
    monkeypatch.chdir(home)
    assert load_settings(home).workers == Settings.model_fields["workers"].default


def test_settings_are_frozen(home: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(home).port = 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("max_scan_byte = 5\n", "max_scan_byte"),
        ("[extra]\nworkers = 1\n", "extra"),
        ("workers = 0\n", "workers"),
        ('workers = "many"\n', "workers"),
        ("port = 70000\n", "port"),
        ("workers = \n", "TOML"),
        ('host = "a"\nhost = "b"\n', "TOML"),
    ],
)
def test_a_fault_in_the_file_is_named(home: Path, text: str, named: str) -> None:
    config = (home / "config.toml").read_text(encoding="utf-8").replace("port = 8440\n", "")
    (home / "config.toml").write_text(config + text, encoding="utf-8")
    refused(home, named)


def test_a_file_in_another_encoding(home: Path) -> None:
    (home / "config.toml").write_bytes("# Сербија\n".encode("cp1251"))
    refused(home, "TOML")


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("FFP_NODE_PORTT", "1", "FFP_NODE_PORTT"),
        ("ffp_node_worker", "1", "ffp_node_worker"),
        ("FFP_NODE_PORT", "", "port"),
        ("FFP_NODE_PORT", "eight", "port"),
        ("FFP_NODE_JURISDICTION", "yu", "jurisdiction"),
        ("FFP_NODE_URL", "http://node/path", "url"),
        ("FFP_NODE_CHECKPOINT_INTERVAL_S", "0", "checkpoint_interval_s"),
        ("FFP_NODE_REQUEST_SKEW_S", "nan", "request_skew_s"),
        ("FFP_NODE_OIDC_ISSUER", "https://id.example/realms/police", "oidc_issuer and oidc_client_id belong together"),
        ("FFP_NODE_OIDC_CLIENT_ID", "ffp-rs", "oidc_issuer and oidc_client_id belong together"),
        ("FFP_NODE_ACCREDITATION_NUMBER", "01-234", "accreditation_number and accreditation_standard belong together"),
        ("FFP_NODE_LABORATORY", "two\nlines", "laboratory"),
        ("FFP_NODE_OIDC_ONLY", "true", "oidc_only needs an oidc_issuer"),
        ("FFP_NODE_OIDC_ISSUER", "http://id.example", "oidc_issuer: is written https://"),
        ("FFP_NODE_OIDC_ISSUER", "https://user:secret@id.example", "oidc_issuer: is written https://"),
        ("FFP_NODE_OIDC_ISSUER", "https://id.example?realm=police", "oidc_issuer: is written https://"),
        ("FFP_NODE_OIDC_ISSUER", "file:///etc/passwd", "oidc_issuer: is written https://"),
        ("FFP_NODE_OIDC_CLAIM", "", "oidc_claim"),
        ("FFP_NODE_OBJECTS_URL", "s3://scans/pilot", "objects_url needs objects_key_id and objects_secret"),
        ("FFP_NODE_OBJECTS_URL", "https://scans/pilot", "objects_url: is written s3://bucket/prefix"),
        ("FFP_NODE_OBJECTS_URL", "s3://scans/../others", "objects_url: is written s3://bucket/prefix"),
        ("FFP_NODE_OBJECTS_ENDPOINT", "http://objects.example", "objects_endpoint: is written https://"),
        ("FFP_NODE_OBJECTS_ENDPOINT", "https://key:geheim@objects.example", "objects_endpoint: is written https://"),
        ("FFP_NODE_DATABASE_URL", "", "database_url"),
        ("FFP_NODE_DATABASE_URL", "mysql://ffp:geheim@db/ffp", "database_url: is written postgresql+psycopg://"),
        ("FFP_NODE_DATABASE_URL", "postgresql://ffp:geheim@db/ffp", "database_url"),
        ("FFP_NODE_DATABASE_URL", "postgresql+psycopg://ffp:geheim@db", "database_url"),
        ("FFP_NODE_DATABASE_URL", "postgresql+psycopg://ffp:geheim@db:many/ffp", "database_url"),
        ("FFP_NODE_DATABASE_URL", "postgresql+psycopg://ffp:geheim@[db/ffp", "database_url"),
    ],
)
def test_a_fault_in_the_environment_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
) -> None:
    monkeypatch.setenv(name, value)
    refused(home, named)


def test_an_unknown_secret_file_is_named(home: Path) -> None:
    secret(home, "..data", "what a mounted volume brings along")
    load_settings(home)
    secret(home, "ffp_node_portt", "1")
    refused(home, "ffp_node_portt")


def test_a_home_without_a_node_says_how_to_make_one(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "ffp init")


def test_the_address_of_the_database_is_a_secret(home: Path) -> None:
    secret(home, "ffp_node_database_url", "postgresql+psycopg://ffp:geheim@db:5433/ffp?sslmode=verify-full\n")
    settings = load_settings(home)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("@db:5433/ffp?sslmode=verify-full")
    assert "geheim" not in f"{settings!r} {settings}"
    assert "geheim" not in settings.model_dump_json()


@pytest.mark.parametrize("name", ["objects_key_id", "objects_secret"])
def test_the_key_of_the_object_store_is_a_secret(home: Path, name: str) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write(f'objects_url = "s3://scans"\n{name} = "geheim"\n')
    refused(home, f"FFP_NODE_{name.upper()} or in the secret file")


def test_an_object_store_by_settings(home: Path) -> None:
    with (home / "config.toml").open("a", encoding="utf-8") as config:
        config.write('objects_url = "s3://scans/of/the-pilot"\nobjects_endpoint = "https://objects.example:9000"\n')
    secret(home, "ffp_node_objects_key_id", "geheim-key\n")
    secret(home, "ffp_node_objects_secret", "geheim-secret\n")
    settings = load_settings(home)
    store = object_store_of(settings, ANYWHERE)
    assert store is not None
    assert store.address == "s3://scans/of/the-pilot/ffp-rs at https://objects.example:9000"
    assert "geheim" not in f"{settings!r} {settings.model_dump_json()} {store!r} {vars(store)}"


def test_another_programs_settings_of_an_object_store_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": "s3://scans", "KEY_ID": "key", "SECRET": "geheim"}.items():
        monkeypatch.setenv(f"FFP_NODE_OBJECTS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://elsewhere.example")
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL_S3"):
        object_store_of(load_settings(home), ANYWHERE)


def test_a_bundle_of_roots_that_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"URL": "s3://scans", "KEY_ID": "key", "SECRET": "geheim", "ROOTS": "roots.pem"}.items():
        monkeypatch.setenv(f"FFP_NODE_OBJECTS_{name}", value)
    with pytest.raises(ConfigurationError, match=r"objects_roots: .*roots\.pem cannot be read"):
        object_store_of(load_settings(home), ANYWHERE)
    (home / "roots.pem").write_text("no certificate", encoding="ascii")
    with pytest.raises(ConfigurationError, match="name no object store"):
        object_store_of(load_settings(home), ANYWHERE)


def refused(home: Path, named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home)
    sentence = str(caught.value)
    assert named in sentence
    assert "geheim" not in sentence
    assert "\n" not in sentence


def test_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FFP_NODE_HOME", raising=False)
    assert resolve_home(None) == DEFAULT_HOME
    monkeypatch.setenv("FFP_NODE_HOME", str(tmp_path / "by-environment"))
    assert resolve_home(None) == tmp_path / "by-environment"
    assert resolve_home(tmp_path / "given") == tmp_path / "given"
    monkeypatch.chdir(tmp_path)
    assert resolve_home(Path("given")) == tmp_path / "given"


PASSPHRASE = "correct horse battery staple"


def test_the_passphrase_comes_from_the_environment_a_secret_file_or_a_credential(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(home).passphrase is None
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "ffp_node_key_passphrase").write_text("by credential\n", encoding="utf-8")
    (credentials / "of-another-program").write_text("1", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load_settings(home).passphrase == b"by credential"
    secret(home, "ffp_node_key_passphrase", PASSPHRASE + "\n")
    assert load_settings(home).passphrase == PASSPHRASE.encode()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", "by environment")
    assert load_settings(home).passphrase == b"by environment"


def test_the_passphrase_is_never_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    settings = load_settings(home)
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert PASSPHRASE not in shown


def test_the_passphrase_must_not_lie_in_the_open(home: Path) -> None:
    extend(home, f'key_passphrase = "{PASSPHRASE}"\n')
    refused(home, "must not stand in")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(home)
    assert PASSPHRASE not in str(caught.value)
