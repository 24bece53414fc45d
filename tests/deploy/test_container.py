"""The container: its files are in order, and the commands in them, run here without one, make a node that serves."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from exchange.config import first_settings
from exchange.flows.node.node import create_node
from schemas.vocabulary import Jurisdiction
from tests.deploy.test_units import wait_ready
from tests.deploy.tools import needed
from tests.deploy.wheelhouse import made_wheelhouse
from tests.exchange.running_nodes import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
PASSPHRASE = "a passphrase of the container's test"


def instructions(name: str, text: str = DOCKERFILE) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in text.splitlines() if line.startswith(f"{name} ")]


def healthcheck() -> list[str]:
    [checked] = re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    command: list[str] = json.loads(checked)
    return command


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    return read_by_compose(DEPLOY, "compose.yaml")


@pytest.fixture(scope="module")
def with_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both files, where the commands of the README made what they name."""
    if os.geteuid() != 0:
        pytest.skip("the README's commands give files to the node's user: only root may")
    folder = tmp_path_factory.mktemp("composed")
    for path in DEPLOY.glob("compose*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "tls").mkdir()
    section = (DEPLOY / "README.md").read_text(encoding="utf-8").split("\n## 14. In containers\n")[1]
    blocks = [block for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL) if "openssl" in block]
    assert len(blocks) == 2
    for block in blocks:
        here = block.replace("cd /opt/ffp/source/deploy\n", "")
        subprocess.run(["sh", "-euc", here], cwd=folder, check=True, capture_output=True, timeout=60)
    return read_by_compose(folder, "compose.yaml", "compose.objects.yaml")


def read_by_compose(folder: Path, *names: str) -> dict[str, Any]:
    """The files as Docker Compose reads them: it refuses what the specification does not have."""
    program = needed("docker-compose", "docker-compose")
    files = [word for name in names for word in ("--file", str(folder / name))]
    command = [program, *files, "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "hadolint", DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_special_and_is_asked_how_it_is() -> None:
    assert len(instructions("FROM")) == 2
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert instructions("USER", last) == ["7181"]
    assert "readyz" in healthcheck()[-1]
    assert not re.search(r"curl|wget|git clone|https?://(?!127\.0\.0\.1)", DOCKERFILE)
    assert re.findall(r"apt-get (install .*?) +&&", DOCKERFILE) == [
        "install --yes --no-install-recommends postgresql-client-17"
    ], "nothing else is fetched"


def test_the_image_dumps_and_restores_the_very_version_that_serves(composed: dict[str, Any]) -> None:
    """An older pg_dump is refused; what a newer pg_restore says an older server does not know."""
    [client] = re.findall(r"postgresql-client-(\d+)", DOCKERFILE)
    assert composed["services"]["database"]["image"].partition("@")[0] == f"postgres:{client}-trixie"
    assert all("-trixie" in image for image in instructions("FROM")), "of which Debian has it"


def test_backups_have_a_volume_of_the_node_s_user_and_a_time(composed: dict[str, Any]) -> None:
    backup = composed["services"]["backup"]
    [place] = [volume["target"] for volume in backup["volumes"] if volume["source"] == "backups"]
    assert any(f"-o ffp -g ffp -m 0700 /var/lib/ffp {place}" in run for run in instructions("RUN"))
    assert backup["command"][:2] == ["backup", place]
    assert {"--with-keys", "--keep", "--daily"} <= set(backup["command"])
    assert set(backup["networks"]) == {"inside"}
    others = [name for name in composed["services"] if name not in ("backup", "restore-drill")]
    assert not any(volume["source"] == "backups" for name in others for volume in composed["services"][name]["volumes"])


def test_restores_are_drilled_where_nobody_is_reached_and_backups_are_read_alone(composed: dict[str, Any]) -> None:
    drill = composed["services"]["restore-drill"]
    [backups] = [volume for volume in drill["volumes"] if volume["source"] == "backups"]
    assert backups["read_only"] is True
    assert drill["command"][:3] == ["restore-drill", "--from", backups["target"]]
    assert "--every" in drill["command"]
    assert set(drill["networks"]) == {"inside"}
    assert {one["source"] for one in drill["secrets"]} == {
        "ffp_node_key_passphrase",
        "ffp_node_database_url",
        "ffp_node_backup_passphrase",
    }


def test_backups_on_a_disk_of_their_own(composed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FFP_BACKUPS", "/mnt/backups")
    [volume] = [
        one
        for one in read_by_compose(DEPLOY, "compose.yaml")["services"]["backup"]["volumes"]
        if one["target"] == "/var/backups/ffp"
    ]
    assert (volume["type"], volume["source"]) == ("bind", "/mnt/backups")


def test_every_container_is_held(composed: dict[str, Any]) -> None:
    assert set(composed["services"]) == {"node", "worker", "backup", "restore-drill", "proxy", "database"}
    _assert_held(composed)


def test_the_object_store_is_held_as_well_and_reached_from_inside_alone(with_objects: dict[str, Any]) -> None:
    services = with_objects["services"]
    assert set(services) == {"node", "worker", "backup", "restore-drill", "proxy", "database", "objects"}
    _assert_held(with_objects)
    assert set(services["objects"]["networks"]) == {"inside"}
    assert not services["objects"].get("ports")


def test_node_and_object_store_mean_the_same(with_objects: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """One bucket, one key, one certificate; and settings that a node accepts."""
    services = with_objects["services"]
    given = {name: services[name]["environment"] for name in ("node", "worker", "backup", "objects")}
    assert given["node"] == given["worker"] == given["backup"]
    secrets = {name: Path(secret["file"]).read_text().strip() for name, secret in with_objects["secrets"].items()}
    assert given["objects"]["ROOT_ACCESS_KEY_ID"] == secrets["ffp_node_objects_key_id"]
    assert given["objects"]["ROOT_SECRET_ACCESS_KEY"] == secrets["ffp_node_objects_secret"]
    [roots] = [volume["source"] for volume in services["node"]["volumes"] if volume["target"].endswith("roots.pem")]
    shown = {volume["target"]: volume["source"] for volume in services["objects"]["volumes"]}
    assert shown[given["objects"]["VGW_CERT"]] == roots
    certificate = x509.load_pem_x509_certificate(Path(roots).read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    for name, value in given["node"].items():
        monkeypatch.setenv(name, value)
    keys = {name.removeprefix("ffp_node_"): value for name, value in secrets.items() if "objects" in name}
    made = {"jurisdiction": "RS", "node_id": "ffp-rs", "url": "https://ffp-rs.example"}
    settings = first_settings(Path("/var/lib/ffp"), {**made, **keys})
    inner = with_objects["networks"]["inside"]["ipam"]["config"]
    assert settings.egress_networks == tuple(one["subnet"] for one in inner), "where database and objects are"
    assert urlsplit(str(settings.objects_endpoint)).hostname in names.get_values_for_type(x509.DNSName)
    [bucket] = re.findall(r"--entrypoint mkdir objects /data/(\S+)", (DEPLOY / "README.md").read_text(encoding="utf-8"))
    assert urlsplit(str(settings.objects_url)).netloc == bucket


def _assert_held(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["mem_limit"]) > 0, name
        assert service["pids_limit"] > 0, name
        assert not any("PASSWORD" in key and not key.endswith("_FILE") for key in service.get("environment") or {})
    assert not composed["services"]["node"].get("cap_add")
    assert not composed["services"]["worker"].get("cap_add")


def test_only_the_proxy_is_reached_from_outside(composed: dict[str, Any]) -> None:
    services = composed["services"]
    assert composed["networks"]["inside"]["internal"] is True
    assert set(services["database"]["networks"]) == {"inside"}
    assert services["proxy"]["network_mode"] == "service:node"
    published = {name: [port["target"] for port in service.get("ports", ())] for name, service in services.items()}
    others = ("worker", "backup", "restore-drill", "proxy", "database")
    assert published == {"node": [443], **{name: [] for name in others}}


def test_secrets_are_files(composed: dict[str, Any]) -> None:
    for name, secret in composed["secrets"].items():
        assert Path(secret["file"]) == DEPLOY / "secrets" / name
    assert instructions("ENV")[0].split().count("CREDENTIALS_DIRECTORY=/run/secrets") == 1


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage makes, by its own commands, from a wheelhouse for this interpreter."""
    folder = tmp_path_factory.mktemp("container")
    wheelhouse, venv = made_wheelhouse(folder / "wheelhouse"), folder / "venv"
    stage = DOCKERFILE.rsplit("\nFROM ", 1)[0]
    assert instructions("COPY", stage) == [". ."]
    for command in instructions("RUN", stage):
        here = command.replace("/opt/ffp/venv", str(venv)).replace("python -m venv", f"{sys.executable} -m venv")
        # without pip's settings of this machine, which may name an index; what is run once is not compiled for it
        environment = {"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull, "PIP_NO_COMPILE": "1"}
        environment |= dict(argument.split("=", 1) for argument in shlex.split(" ".join(instructions("ARG", stage))))
        done = subprocess.run(
            ["sh", "-c", here], cwd=wheelhouse, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{here}\n{done.stderr}"
    return venv


@pytest.mark.long
def test_what_the_dockerfile_says_serves_a_node(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, port = tmp_path / "node", free_port()
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    create_node(home, jurisdiction=Jurisdiction.RS, url=f"http://127.0.0.1:{port}", port=port)
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ffp_node_key_passphrase").write_text(PASSPHRASE, encoding="utf-8")
    environment = dict(word.split("=", 1) for word in shlex.split(" ".join(instructions("ENV"))))
    environment |= {"FFP_NODE_HOME": str(home), "CREDENTIALS_DIRECTORY": str(secrets), "PATH": os.environ["PATH"]}
    command = [*json.loads(instructions("ENTRYPOINT")[0]), *json.loads(instructions("CMD")[0])]

    log = tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(_here(command, installed), env=environment, cwd=home, stdout=told, stderr=told)
    try:
        wait_ready(f"http://127.0.0.1:{port}/readyz", process, log)
        asked = [word.replace("8440", str(port)) for word in _here(healthcheck(), installed)]
        assert subprocess.run(asked, check=False, capture_output=True, timeout=30).returncode == 0
        [stop] = instructions("STOPSIGNAL")
        process.send_signal(signal.Signals[stop])
        assert process.wait(timeout=60) == 0, log.read_text()
        assert subprocess.run(asked, check=False, capture_output=True, timeout=30).returncode != 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _here(command: list[str], venv: Path) -> list[str]:
    return [word.replace("/opt/ffp/venv", str(venv)) for word in command]


@pytest.mark.long
def test_the_wheelhouse_names_and_verifies_all_that_is_in_it(installed: Path) -> None:
    wheelhouse = installed.parent / "wheelhouse"
    listed = {line.split("  ./", 1)[1] for line in (wheelhouse / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {str(path.relative_to(wheelhouse)) for path in wheelhouse.rglob("*") if path.is_file()}
    assert listed == there - {"SHA256SUMS"}
    assert {"requirements.lock", "deploy/README.md", "deploy/ffp.service"} <= listed
    said = subprocess.run([installed / "bin" / "ffp", "--help"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "Ballistic information exchange" in said.stdout
    assert not (installed / "bin" / "pytest").exists()
    told = subprocess.run(
        [installed / "bin" / "ffp", "extras", "list", "--installed"], capture_output=True, text=True, check=False
    )
    [chosen] = [argument for argument in shlex.split(" ".join(instructions("ARG"))) if argument.startswith("EXTRAS=")]
    assert told.stdout.split() == chosen.removeprefix("EXTRAS=").split()


@pytest.mark.long
def test_a_wheel_that_was_exchanged_is_not_installed(installed: Path, tmp_path: Path) -> None:
    wheelhouse, other = installed.parent / "wheelhouse", tmp_path / "wheelhouse"
    other.mkdir()
    for path in wheelhouse.iterdir():
        if path.is_file():
            (other / path.name).symlink_to(path)
    [wheel] = other.glob("segno-*.whl")
    content = wheel.read_bytes()
    wheel.unlink()
    wheel.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    command = ["install", "--no-index", "--find-links", other, "--require-hashes", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *command, "--requirement", other / "requirements.lock", "--ignore-installed"],
        env={"PATH": os.environ["PATH"], "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
