"""Two empty Debian 13 machines become two nodes behind TLS that exchange a record, by the commands of deploy/README.md.

As root, on a machine with the packages debootstrap, systemd-container and iproute2: `make install-drill`. The machines
are containers in which systemd runs, so the units are the real ones, with all that they forbid. They reach each other
and nothing else; the network is used before, for Debian's packages and for Python's.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.certificates import Authority
from tests.docs.conftest import ROOT, Document

PAGE = Document("deploy/README.md", (ROOT / "deploy/README.md").read_text(encoding="utf-8"))
MIRROR = "http://deb.debian.org/debian"
EMPTY = "systemd,systemd-sysv,dbus,ca-certificates"
"""What makes of Debian's smallest form a machine that starts; nothing that the page has installed."""
ADDRESSES = {"rs": "10.77.0.1", "mk": "10.77.0.2"}
START_S, EXCHANGE_S = 90, 120
NEEDED = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "ip": "iproute2", "git": "git"}
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}

SUBMIT = """
cd /var/lib/ffp && install -d -o ffp trial && cd trial
/opt/ffp/venv/bin/python -c "from pathlib import Path; import matcher; from matcher.synthetic import breech_face
matcher.write_topography(breech_face.draw(1009, 0), Path('scan.x3p'), instrument='synthetic')"
cat > metadata.json <<'JSON'
{"case_reference": "RS-2026-0815", "exhibit": {"kind": "crime_scene", "calibre": "9x19"},
 "acquisitions": [{"roi": "breech_face", "modality": "topography", "file": "scan"}],
 "handling": {"code": "H1"}, "level": "full", "audience": ["MK"], "retention_until": "2036-12-31"}
JSON
curl -sS --fail https://ffp-rs.example/v1/records -H "Authorization: Bearer $TOKEN" \\
  -F 'metadata=<metadata.json;type=application/json' -F scan=@scan.x3p
"""


class Refused(Exception):
    """A command of the page did not do what the page says."""


def run(*command: str | Path, **more: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))[-400:]}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return str(done.stdout)


def block(section: str, number: int, side: str = "rs") -> str:
    """A block of shell of the page, for one of the two jurisdictions."""
    text = PAGE.blocks("sh", section)[number]
    if side == "mk":
        text = text.replace("ffp-rs", "ffp-mk").replace("--jurisdiction RS", "--jurisdiction MK")
    return text


class Machine:
    """One container with a system of its own."""

    def __init__(self, side: str, folder: Path) -> None:
        self.side, self.folder = side, folder
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._first = 0
        self.passphrase = ""

    @contextlib.contextmanager
    def running(self, log: Path) -> Iterator[None]:
        command = ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--console=read-only", "--boot"]
        command += [f"--directory={self.folder}", f"--network-namespace-path=/run/netns/ffp-{self.side}"]
        environment = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        with log.open("wb") as told:
            self._nspawn = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        try:
            self._wait_started(log)
            yield
        finally:
            if self._first:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._first, signal.SIGRTMIN + 3)  # what systemd takes for "halt"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(timeout=60)
            if self._nspawn.poll() is None:
                self._nspawn.kill()
                self._nspawn.wait()

    def _wait_started(self, log: Path) -> None:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        deadline = time.monotonic() + START_S
        while True:
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                raise Refused(f"The machine did not start:\n{log.read_text(errors='replace')[-4000:]}")
            found = children.read_text().split()
            self._first = int(found[0]) if found else 0
            with contextlib.suppress(Refused):
                if self._first and self.shell("systemctl is-system-running --wait || true").strip() in {
                    "running",
                    "degraded",
                }:
                    return
            time.sleep(0.5)

    def shell(self, script: str, *, stdin: str = "", **environment: str) -> str:
        """Run a script as root in the machine, as somebody on its terminal would."""
        values = {**ENVIRONMENT, **environment}
        command = ["nsenter", f"--target={self._first}", "--all", "--wdns=/root", "env", "-i"]
        command += [f"{name}={value}" for name, value in values.items()]
        return run(*command, "bash", "-euo", "pipefail", "-c", script, input=stdin)

    def ffp(self, arguments: str, *, stdin: str = "") -> str:
        script = f"runuser -u ffp -- /opt/ffp/venv/bin/ffp {arguments}"
        return self.shell(script, stdin=stdin, FFP_NODE_KEY_PASSPHRASE=self.passphrase)


def empty_machine(folder: Path) -> None:
    run("debootstrap", "--variant=minbase", f"--include={EMPTY}", "trixie", folder, MIRROR)
    (folder / "etc/apt/apt.conf.d/90-answers").write_text('APT::Get::Assume-Yes "true";\n', encoding="utf-8")
    hosts = "".join(f"{address} ffp-{side}.example\n" for side, address in ADDRESSES.items())
    (folder / "etc/hosts").write_text(f"127.0.0.1 localhost\n{hosts}", encoding="utf-8")
    (folder / "etc/resolv.conf").unlink(missing_ok=True)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")


def put_release(folder: Path) -> None:
    """What a release has: the files under version control."""
    source = folder / "opt/ffp/source"
    for name in run("git", "-C", ROOT, "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)


def install_software(folder: Path) -> None:
    """Step 1, with this machine's network and its ways to package indexes."""
    ways = {name: value for name, value in os.environ.items() if re.fullmatch(r"(?i)(https?|no)_proxy", name)}
    if "PIP_INDEX_URL" in os.environ:
        ways["PIP_INDEX_URL"] = os.environ["PIP_INDEX_URL"]
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.is_file():
        shutil.copy(bundle, folder / "opt/index-authorities.pem")
        ways["PIP_CERT"] = "/opt/index-authorities.pem"
    # not started, so that nothing that is installed runs before the machine does
    inside = ["systemd-nspawn", "--quiet", "--keep-unit", "--register=no", "--console=pipe", f"--directory={folder}"]
    inside += [f"--setenv={name}={value}" for name, value in {**ENVIRONMENT, **ways}.items()]
    first, second = (block("1. User, folders, software", number) for number in (0, 1))
    run(*inside, "bash", "-euo", "pipefail", "-c", f"apt-get update\n{first}", stdin=subprocess.DEVNULL)
    put_release(folder)
    run(*inside, "bash", "-euo", "pipefail", "-c", second, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def network() -> Iterator[None]:
    """A line between the two machines, and none to anywhere else."""
    try:
        for side in ADDRESSES:
            run("ip", "netns", "add", f"ffp-{side}")
        run(
            "ip",
            "link",
            "add",
            "ffp-line",
            "netns",
            "ffp-rs",
            "type",
            "veth",
            "peer",
            "name",
            "ffp-line",
            "netns",
            "ffp-mk",
        )
        for side, address in ADDRESSES.items():
            run("ip", "-n", f"ffp-{side}", "address", "add", f"{address}/24", "dev", "ffp-line")
            for device in ("lo", "ffp-line"):
                run("ip", "-n", f"ffp-{side}", "link", "set", device, "up")
        yield
    finally:
        for side in ADDRESSES:
            subprocess.run(["ip", "netns", "delete", f"ffp-{side}"], capture_output=True, check=False)


def make_node(machine: Machine, authority: Authority) -> str:
    """Steps 2 to 5. Returns the fingerprint of the node."""
    side, folder = machine.side, machine.folder
    machine.shell(block("2. The node", 0, side))
    machine.shell(block("2. The node", 1, side))
    machine.passphrase = machine.shell(block("2. The node", 2, side)).splitlines()[-1]
    # the two machines see each other at private addresses, as over a VPN
    machine.shell("echo 'egress_networks = [\"10.77.0.0/24\"]' >> /var/lib/ffp/config.toml")
    machine.shell(block("3. The service", 0, side))

    shutil.copy(authority.certificate_file, folder / "usr/local/share/ca-certificates/drill.crt")
    tls = folder / "etc/ffp/tls"
    tls.mkdir(parents=True)
    issued = authority.issue(f"ffp-{side}.example", tls)
    for name in ("fullchain.pem", "privkey.pem"):
        shutil.copy(issued, tls / name)
    machine.shell("update-ca-certificates && systemctl restart ffp")
    machine.shell(f"sed -i s/ffp-rs.example/ffp-{side}.example/ /opt/ffp/source/deploy/nginx.conf")
    machine.shell("until curl -s --fail http://127.0.0.1:8440/readyz; do sleep 0.5; done")
    assert "ready" in machine.shell(block("4. TLS", 0, side))
    [digits] = re.findall(r"(?:\d{5} ){7}\d{5}", machine.ffp("peer show"))
    return str(digits)


def exchange(rs: Machine, mk: Machine, digits: dict[str, str]) -> float:
    """Step 6, and a record that goes from one to the other. Returns after how many seconds it was there."""
    for own, other in ((rs, "mk"), (mk, "rs")):
        command = block("6. Peers", 1, own.side).replace("ffp-mk.example", f"ffp-{other}.example").strip()
        own.shell(command, stdin=digits[other] + "\n", FFP_NODE_KEY_PASSPHRASE=own.passphrase)
    token = rs.ffp("user add examiner-1 --role examiner").strip().splitlines()[-1]
    reader = mk.ffp("user add examiner-2 --role examiner").strip().splitlines()[-1]
    receipt = json.loads(rs.shell(SUBMIT, TOKEN=token))
    begun = time.monotonic()
    asked = f"https://ffp-mk.example/v1/records/{receipt['statement_id']}"
    while time.monotonic() < begun + EXCHANGE_S:
        with contextlib.suppress(Refused):
            mk.shell(f'curl -sS --fail -H "Authorization: Bearer $TOKEN" {asked}', TOKEN=reader)
            return time.monotonic() - begun
        time.sleep(0.5)
    raise Refused(
        f"The record never came:\n{mk.ffp('peer list')}\n{mk.shell('journalctl -u ffp --no-pager | tail -40')}"
    )


def look_after(machine: Machine) -> dict[str, str]:
    """What the page tells an operator to look at."""
    shown = machine.shell("systemctl show ffp --property=NRestarts,ActiveState,SubState")
    if "NRestarts=0" not in shown or "SubState=running" not in shown:
        raise Refused(shown)
    exposure = machine.shell("systemd-analyze security ffp --no-pager | tail -1")
    doctor = machine.shell(
        "runuser -u ffp -- /opt/ffp/venv/bin/ffp doctor --home /var/lib/ffp --json || test $? = 1",
        FFP_NODE_KEY_PASSPHRASE=machine.passphrase,
    )
    if "computes-otherwise" in doctor:
        raise Refused(doctor)
    return {"exposure": " ".join(re.findall(r"level for .*?: ([\d.]+)", exposure)), "doctor": doctor}


def drill(folder: Path) -> dict[str, object]:
    seconds: dict[str, float] = {}
    begun = time.monotonic()

    def done(what: str) -> None:
        seconds[what] = round(time.monotonic() - begun, 1)
        print(f"{seconds[what]:7.1f} s  {what}", flush=True)

    authority = Authority(folder)
    machines = {side: Machine(side, folder / side) for side in ADDRESSES}
    empty_machine(machines["rs"].folder)
    done("an empty Debian 13")
    install_software(machines["rs"].folder)
    done("step 1: packages and software")
    run("cp", "--archive", "--reflink=auto", machines["rs"].folder, machines["mk"].folder)
    with network(), contextlib.ExitStack() as stack:
        for side, machine in machines.items():
            stack.enter_context(machine.running(folder / f"{side}.log"))
        done("two machines started")
        digits = {side: make_node(machine, authority) for side, machine in machines.items()}
        done("steps 2 to 4: two nodes behind TLS")
        arrived = exchange(machines["rs"], machines["mk"], digits)
        done("steps 5 and 6: a record was exchanged")
        found = {side: look_after(machine) for side, machine in machines.items()}
        done("looked after")
    return {
        "seconds": seconds,
        "exchange_s": round(arrived, 1),
        "exposure": {k: v["exposure"] for k, v in found.items()},
    }


def main() -> int:
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        print(f"The drill runs as root, with: apt-get install {' '.join(missing or NEEDED.values())}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="ffp-drill-", dir=os.environ.get("FFP_DRILL_FOLDER")))
    folder.chmod(0o755)
    try:
        print(json.dumps(drill(folder)))
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
