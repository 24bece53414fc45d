"""What Docker and Compose do with the Dockerfile and compose.yaml, as far as backups need it, where no engine runs.

As root on Linux, with mmdebstrap, iproute2 and docker-compose. A file system of Debian 13 is made into the image by the
Dockerfile's own lines; a service is run in it with its user, capabilities, read-only root, tmpfs, volumes and secrets,
on the compose file's inner network. PostgreSQL is Debian's, of the version that the compose file names.

``python -m tests.deploy.engine FOLDER compose run --rm backup restore ...`` stands for ``docker``.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MIRROR = "http://deb.debian.org/debian"
SOURCE = Path(__file__).parents[2]
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
BUILDING = CLEAN | {"DEBIAN_FRONTEND": "noninteractive", "PIP_NO_COMPILE": "1", "PIP_CONFIG_FILE": os.devnull}
WAIT_S = 90
RUN = """
set -eu
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
mount --options remount,bind,ro "$ROOT"
mount --types proc proc "$ROOT/proc"
for device in null zero random urandom; do mount --bind "/dev/$device" "$ROOT/dev/$device"; done
mount --types tmpfs tmpfs "$ROOT/dev/shm"
{mounts}
exec chroot "$ROOT" {held}
"""
DATABASE = """
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-local=trust --no-sync $POSTGRES_INITDB_ARGS
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  pg_ctl start --wait --silent --log="$PGDATA/first-start.log" --options="-c listen_addresses=''"
  sh /docker-entrypoint-initdb.d/first-start.sh
  pg_ctl stop --wait --silent
fi
exec postgres -c listen_addresses='*' -c fsync=off
"""
"""What the image of PostgreSQL does at its start."""


def docker_file() -> list[tuple[str, str]]:
    """Its instructions in order."""
    whole = re.sub(r"(?m)^#.*\n", "", (SOURCE / "deploy/Dockerfile").read_text(encoding="utf-8")).replace("\\\n", " ")
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in whole.splitlines() if line.strip()]


def said(name: str) -> str:
    """Of the last stage."""
    return [value for instruction, value in docker_file() if instruction == name][-1]


def done(*command: str | Path, **more: Any) -> str:
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)
    assert ended.returncode == 0, (
        f"{' '.join(map(str, command))[-300:]}\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    )
    return ended.stdout


def inside(root: Path, script: str) -> None:
    """As `RUN` does: as root, on the network of this machine."""
    ways = {
        name: value for name, value in os.environ.items() if re.fullmatch(r"(?i)(https?|no)_proxy|pip_(?!find).*", name)
    }
    bind = 'mount --bind /etc/resolv.conf "$0/etc/resolv.conf"; mount --types proc proc "$0/proc"'
    command = ["unshare", "--mount", "sh", "-euc", f'{bind}; exec chroot "$0" sh -euc "$1"', root, script]
    done(*command, env={**ways, **BUILDING})


def build(folder: Path) -> None:
    """The images of node and database, in ``folder/node`` and ``folder/database``, of a wheelhouse made there too."""
    node, database = folder / "node", folder / "database"
    components = "--include=python3,python3-venv,ca-certificates"
    done("mmdebstrap", "--quiet", "--variant=minbase", components, "trixie", node, MIRROR)
    node.chmod(0o755)
    (node / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    (node / "etc/resolv.conf").touch()
    if "PIP_CERT" in os.environ:
        (target := node / os.environ["PIP_CERT"].lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.environ["PIP_CERT"], target)
    (node / "etc/hosts").write_text("127.0.0.1 localhost\n172.30.71.2 database\n", encoding="utf-8")
    done("cp", "--archive", node, database)
    [version] = re.findall(r"image: postgres:(\d+)-trixie", (SOURCE / "deploy/compose.yaml").read_text("utf-8"))
    data = "install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data"
    install = f"apt-get update; apt-get install --yes --no-install-recommends postgresql-{version}"
    inside(database, f"{install}; ln -s /usr/lib/postgresql/{version}/bin/* /usr/local/bin/; {data}")
    _put_wheelhouse(node)
    _follow_docker_file(node)


def _put_wheelhouse(node: Path) -> None:
    source = node / "source"
    for name in done("git", "-C", SOURCE, "ls-files", "-z").split("\0"):
        if name and (SOURCE / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SOURCE / name, source / name)
    inside(node, "sh /source/deploy/wheelhouse.sh /made python")


def _follow_docker_file(node: Path) -> None:
    """Both stages in one file system: they begin with the same image, and one takes the environment of the other."""
    here, arguments = Path("/"), ""
    for name, value in docker_file():
        if name == "ARG":  # with its default: none is given
            arguments += f"export {value}; "
        elif name == "WORKDIR":
            here = Path(value)
            (node / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif (name, value) == ("COPY", ". ."):
            done("cp", "--archive", f"{node}/made/.", node / here.relative_to("/"))
        elif name == "RUN":
            inside(node, f"{arguments}cd {here}; {value}")
        elif name == "COPY":
            assert value.startswith("--from=installed ")
            assert len(set(value.split()[1:])) == 1, "to the same place"
    for name in ("source", "made", "wheelhouse"):
        shutil.rmtree(node / name)


@dataclass(frozen=True)
class Engine:
    """``folder`` has the images, the volumes, and ``deploy``: the compose file as the operator has it."""

    folder: Path

    def composed(self) -> dict[str, Any]:
        command = ["docker-compose", "--file", self.folder / "deploy/compose.yaml", "config", "--format", "json"]
        found: dict[str, Any] = json.loads(done(*command))
        return found

    def network(self) -> int:
        """The process that has it; made by the first who asks."""
        kept = self.folder / "network"
        if not kept.exists():
            [subnet] = {one["subnet"] for one in self.composed()["networks"]["inside"]["ipam"]["config"]}
            address = ipaddress.ip_network(subnet)[2]
            script = f"ip link set lo up; ip address add {address}/24 dev lo; exec sleep infinity"
            log = self.folder / "network.log"
            holder = _left_running(["unshare", "--net", "sh", "-euc", script], log)
            wait_until(lambda: _has_address(holder, str(address)), log)  # until then it is the network of this machine
            kept.write_text(str(holder), encoding="utf-8")
        return int(kept.read_text(encoding="utf-8"))

    def command(self, service: str, words: list[str], more_volumes: tuple[str, ...] = ()) -> list[str]:
        """What runs these words as the service."""
        told = self.composed()["services"][service]
        root = self.folder / ("database" if service == "database" else "node")
        mounts = [_tmpfs(root, one) for one in told.get("tmpfs", [])]
        mounts += [self._volume(root, one) for one in told.get("volumes", [])]
        mounts += [_bound(root, *one.split(":")) for one in more_volumes]
        mounts += [
            _bound(root, str(self.folder / "deploy/secrets" / one["source"]), one["target"], "ro")
            for one in told.get("secrets", [])
        ]
        script = RUN.format(mounts="\n".join(mounts), held=shlex.join(self._held(service, words)))
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        network = f"--net=/proc/{self.network()}/ns/net"
        return ["env", f"ROOT={root}", "nsenter", network, *own, "sh", "-c", script]

    def within(self, service: str, words: list[str]) -> list[str]:
        """What runs these words beside the service, which runs."""
        process = (self.folder / f"{service}.pid").read_text(encoding="utf-8")
        first = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").strip()
        spaces = ["--mount", "--pid", "--net", "--root", "--wd"]
        return ["nsenter", f"--target={first}", *spaces, *self._held(service, words)]

    def _held(self, service: str, words: list[str]) -> list[str]:
        """As the service's user, with its capabilities and environment."""
        told = self.composed()["services"][service]
        root = self.folder / ("database" if service == "database" else "node")
        values = _environment(root) | told.get("environment", {})
        bounding = ",".join(["-all", *(f"+{one.lower()}" for one in told.get("cap_add", []))])
        who = _who(root, "postgres" if service == "database" else said("USER"))
        held = ["setpriv", *who, "--no-new-privs", f"--bounding-set={bounding}", "--inh-caps=-all", "env", "-i"]
        return [*held, *(f"{name}={value}" for name, value in values.items()), *words]

    def _volume(self, root: Path, volume: dict[str, Any]) -> str:
        """An empty one of Docker's takes owner and mode from the image's folder below it; a bind mount is as it is."""
        target = _within(root, volume["target"])
        if volume["type"] == "bind":
            return _bound(root, volume["source"], volume["target"], "ro" if volume.get("read_only") else "rw")
        source = self.folder / "volumes" / volume["source"]
        if not source.exists():
            source.mkdir(parents=True)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copymode(target, source)
            os.chown(source, target.stat().st_uid, target.stat().st_gid)
        return _bound(root, str(source), volume["target"], "ro" if volume.get("read_only") else "rw")

    def beside(self, service: str, path: str) -> Path:
        """Where a path in one of the service's volumes is on this machine."""
        for volume in self.composed()["services"][service]["volumes"]:
            if path.startswith(f"{volume['target']}/"):
                return Path(self.folder / "volumes" / volume["source"] / path.removeprefix(f"{volume['target']}/"))
        raise LookupError(path)

    def words(self, service: str) -> list[str]:
        """What the service runs: of its own words."""
        if service == "database":
            return ["bash", "-c", DATABASE]
        return [*json.loads(said("ENTRYPOINT")), *self.composed()["services"][service]["command"]]

    def start(self, service: str) -> None:
        kept = self.folder / f"{service}.pid"
        if kept.exists():
            return
        process = _left_running(self.command(service, self.words(service)), self.folder / f"{service}.log")
        kept.write_text(str(process), encoding="utf-8")
        if service in ("database", "node"):
            wait_until(lambda: self.healthy(service), self.folder / f"{service}.log")

    def healthy(self, service: str) -> bool:
        """By the check of the compose file, else by that of the image."""
        check = self.composed()["services"][service].get("healthcheck", {}).get("test")
        words = check or ["CMD", *json.loads(said("HEALTHCHECK").split(" CMD ")[1])]
        words = ["sh", "-c", words[1].replace("$$", "$")] if words[0] == "CMD-SHELL" else words[1:]
        return subprocess.run(self.within(service, words), capture_output=True, check=False).returncode == 0

    def down(self) -> None:
        """Services, then the network; volumes stay."""
        for kept in (
            *sorted(self.folder.glob("*.pid"), key=lambda path: path.name == "database.pid"),
            self.folder / "network",
        ):
            if kept.exists():
                _stopped(int(kept.read_text(encoding="utf-8")))
                kept.unlink()


def _has_address(process: int, address: str) -> bool:
    """Whether the network of this process does."""
    command = ["nsenter", f"--net=/proc/{process}/ns/net", "ip", "-brief", "address", "show", "dev", "lo"]
    return address in subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _left_running(command: list[str], log: Path) -> int:
    """Holds nothing of whoever began it open."""
    with log.open("ab") as told:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=told, stderr=told, start_new_session=True)
    return process.pid


def wait_until(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8")[-4000:]
        time.sleep(0.2)


def _who(root: Path, user: str) -> list[str]:
    """As an engine finds it in the image."""
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        name, _, number, group, *_ = line.split(":")
        if user in (name, number):
            return [f"--reuid={number}", f"--regid={group}", "--clear-groups"]
    raise LookupError(user)


def _environment(root: Path) -> dict[str, str]:
    if root.name == "database":
        return CLEAN | {"PGDATA": "/var/lib/postgresql/data", "HOME": "/var/lib/postgresql"}
    words = dict(word.split("=", 1) for word in shlex.split(said("ENV")))
    return {"HOME": "/var/lib/ffp"} | words | {"PATH": words["PATH"].replace("$PATH", CLEAN["PATH"])}


def _tmpfs(root: Path, one: str) -> str:
    place, _, options = one.partition(":")
    inner = _within(root, place)
    inner.mkdir(parents=True, exist_ok=True)
    return f"mount --types tmpfs --options {options or 'mode=1777'} tmpfs {shlex.quote(str(inner))}"


def _within(root: Path, place: str) -> Path:
    """Links of the image lead within it, such as that of /var/run."""
    return root / done("chroot", root, "realpath", "--canonicalize-missing", place).strip().lstrip("/")


def _bound(root: Path, source: str, target: str, how: str = "rw") -> str:
    place = _within(root, target)
    if Path(source).is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    bound = f"mount --bind {shlex.quote(source)} {shlex.quote(str(place))}"
    return f"{bound}\nmount --options remount,bind,ro {shlex.quote(str(place))}" if how == "ro" else bound


def _stopped(process: int) -> None:
    """What began it waits for it too, so that nothing of it is left."""
    try:
        os.killpg(process, signal.SIGTERM)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            os.killpg(process, 0)
            time.sleep(0.1)
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def main(folder: str, *words: str) -> int:
    engine, said_words = Engine(Path(folder)), list(words)
    match said_words:
        case ["compose", "up", "--detach", *services]:
            for service in services or ["database", "node", "worker", "backup", "restore-drill"]:
                engine.start(service)
        case ["compose", "down"]:
            engine.down()
        case ["volume", "rm", *names]:
            for name in names:
                shutil.rmtree(engine.folder / "volumes" / name.removeprefix("ffp_"))
        case ["compose", "cp", copied, target]:
            done("cp", "-R", engine.beside(*copied.split(":")), target)
        case ["compose", "exec", service, *command]:
            return subprocess.run(engine.within(service, command), check=False).returncode
        case ["compose", "run", "--rm", *command]:
            volumes, entry = [], json.loads(said("ENTRYPOINT"))
            while command[0].startswith("--"):
                option, value, *command = command
                if option == "--volume":
                    volumes.append(value)
                else:
                    assert option == "--entrypoint"
                    entry = [value]
            engine.start("database")
            return subprocess.run(
                engine.command(command[0], [*entry, *command[1:]], tuple(volumes)), check=False
            ).returncode
        case _:
            raise LookupError(said_words)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
