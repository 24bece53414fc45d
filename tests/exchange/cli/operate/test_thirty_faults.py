"""A node is broken in one way at a time, for real. The first line of ``ffp doctor`` names the cause, the second the
step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from exchange.flows.operate.doctor import machine
from exchange.flows.operate.doctor.examine import Examination, examine
from exchange.flows.operate.findings import Cause
from tests.exchange.cli.conftest import Ffp, Said
from tests.exchange.cli.operate.broken_nodes import around_the_node as around
from tests.exchange.cli.operate.broken_nodes import in_the_database as database
from tests.exchange.cli.operate.broken_nodes import in_the_home as home
from tests.exchange.cli.operate.broken_nodes import in_the_settings as settings
from tests.exchange.cli.operate.broken_nodes.made import PASSPHRASE, Made, Way, make

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

_AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
_SMALL_FILES = ("prlimit", "--fsize=65536")


@dataclass(frozen=True)
class Fault:
    """``said`` stands in the first line and ``step`` in the second. ``under``: the doctor runs in a process of its own,
    started by this command."""

    way: Way
    cause: Cause
    said: str
    step: str
    under: tuple[str, ...] | None = None


F, C = Fault, Cause
FAULTS = (
    # the home
    F(home.full_disk, C.DISK_FULL, "0 MiB free", "Free space there"),
    F(home.no_inodes, C.DISK_INODES, "0 inodes free", "du --inodes"),
    F(home.read_only_disk, C.DISK_READ_ONLY, "mounted read-only", "mount -o remount,rw"),
    F(home.quota_used_up, C.DISK_QUOTA, "The quota of the node's user is used up", "edquota"),
    F(home.nothing, C.DISK_QUOTA, "may grow beyond a limit", "LimitFSIZE", _SMALL_FILES),
    F(home.no_home, C.NO_NODE, "There is no node in", "Is its disk mounted?"),
    F(home.another_user, C.WRONG_USER, "belongs to root, and this runs as nobody", "runuser -u root", _AS_NOBODY),
    F(home.foreign_file, C.WRONG_OWNER, "node.db belongs to nobody", "chown -R root:"),
    F(home.unwritable_prepared, C.FOLDER_UNWRITABLE, "prepared cannot be written", "chown", _WITHOUT_PRIVILEGE),
    F(home.no_prepared, C.FOLDER_GONE, "prepared is gone", "install -d -m 700"),
    F(home.open_home, C.OPEN_TO_OTHERS, "is open to others", "chmod 700"),
    F(home.scan_gone, C.SCANS_GONE, "1 of 1 scans that records name are gone", "ffp log check"),
    F(home.killed_restore, C.HALF_RESTORE, "was broken off half way", "ffp restore"),
    F(home.old_backup, C.OLD_BACKUP, "The newest backup is of", "journalctl -u ffp-backup"),
    F(home.no_backup, C.NO_BACKUP, "No backup was ever made", "systemctl start ffp-backup"),
    F(home.failed_drill, C.RESTORE_FAILED, "did not verify ffp-rs-", "ffp restore-drill"),
    F(home.killed_drill, C.RESTORE_FAILED, "holds what a restore drill made, with the keys", "ffp restore-drill"),
    F(
        home.old_drill,
        C.RESTORE_UNTRIED,
        "The last restore that was verified is 40 days old",
        "ffp-restore-drill.timer",
    ),
    F(
        home.no_drill,
        C.RESTORE_UNTRIED,
        "was ever restored and verified, in 40 days",
        "systemctl start ffp-restore-drill",
    ),
    F(home.rows_of_the_future, C.CLOCK_OFF, "3 days behind the newest row", "timedatectl set-ntp true"),
    # its keys
    F(home.key_gone, C.KEY_MISSING, "log-ed25519.pem is missing", "cp -np"),
    F(home.key_damaged, C.KEY_DAMAGED, "log-ed25519.pem is damaged", "cp -p"),
    F(home.key_open, C.KEY_OPEN, "log-ed25519.pem can be read by others", "chmod 600"),
    F(home.keys_of_another, C.KEYS_OF_ANOTHER, "are not those that the last key-event", "of one backup"),
    F(home.no_passphrase, C.PASSPHRASE_MISSING, "are encrypted, and no passphrase is given", "FFP_NODE_KEY_PASSPHRASE"),
    F(home.wrong_passphrase, C.PASSPHRASE_WRONG, "does not open the keys", "FFP_NODE_KEY_PASSPHRASE"),
    # its settings
    F(settings.misspelt_setting, C.SETTING_UNKNOWN, "in line 5 of", "Write pull_interval_s in place of"),
    F(settings.setting_out_of_range, C.SETTING_REFUSED, "port: must be less than", "Correct port in line"),
    F(settings.variable_out_of_range, C.SETTING_REFUSED, "workers: must be", "FFP_NODE_WORKERS"),
    F(settings.misspelt_variable, C.SETTING_VARIABLE, "FFP_NODE_PROT (the nearest", "unset FFP_NODE_PROT, and set"),
    F(settings.misspelt_secret, C.SETTING_UNKNOWN, "ffp_node_smtp_pasword (the nearest", "ffp_node_smtp_password"),
    F(settings.secret_in_config, C.SETTING_REFUSED, "must not stand in", "Move it from line 5"),
    F(settings.not_toml, C.SETTING_REFUSED, "is not TOML", "Mend line 5"),
    F(settings.extra_missing, C.EXTRA_MISSING, "cluster_scheduler needs an optional part", "ffp extras add cluster"),
    F(settings.no_roots, C.SETTING_FILE, "tsa.pem cannot be read", "put the file there"),
    F(settings.no_calibration, C.CALIBRATION, "model.json cannot be read", "ffp calibrate"),
    F(settings.calibration_damaged, C.CALIBRATION, "digest", "ffp calibrate"),
    F(settings.calibration_of_another_matcher, C.CALIBRATION, "model.json is of matcher 3", "ffp calibrate"),
    F(settings.certificate_that_ends, C.CERTIFICATE_ENDS, "peer_certificate ends in 10 days", "Put a new one"),
    F(settings.certificate_that_ended, C.CERTIFICATE_ENDED, "peer_certificate ended 3 days ago", "Put a new one"),
    # its database
    F(database.gone, C.DATABASE_GONE, "node.db is missing", "ffp restore BACKUP"),
    F(database.damaged_page, C.DATABASE_DAMAGED, "The database is damaged", "ffp restore BACKUP"),
    F(database.newer_version, C.DATABASE_NEWER, "has schema version 999", "Install the release"),
    F(database.older_version, C.DATABASE_OLDER, "this software needs", "ffp migrate"),
    F(database.held_for_writing, C.DATABASE_LOCKED, "holds the database for writing", "kill "),
    F(database.postgresql_away, C.DATABASE_AWAY, "PostgreSQL does not answer", "systemctl start postgresql"),
    F(database.postgresql_wrong_login, C.DATABASE_LOGIN, "answers, and does not let this node in", "ffp_node_database"),
    F(database.postgresql_read_only, C.DATABASE_READ_ONLY, "takes no writes", "Name the primary"),
    # its port and its address
    F(around.web_server_on_the_port, C.PORT_TAKEN, "A program that is no node", f"kill {os.getpid()}"),
    F(around.silent_program_on_the_port, C.PORT_TAKEN, f"process {os.getpid()}", f"kill {os.getpid()}"),
    F(around.another_node_on_the_port, C.PORT_OF_ANOTHER_NODE, "Another node, ffp-mk,", "a free port"),
    F(around.a_namesake_on_the_port, C.PORT_OF_ANOTHER_NODE, "ffp-rs with another identity", "a free port"),
    F(around.another_node_at_the_address, C.ADDRESS_OF_ANOTHER_NODE, "Another node, ffp-mk, answers at", "correct url"),
    F(around.this_node_elsewhere, C.RUNS_ELSEWHERE, "it runs elsewhere", "start nothing here"),
    F(around.address_of_another_machine, C.PORT_REFUSED, "192.0.2.7", 'host = "127.0.0.1"'),
    F(around.process_that_hangs, C.NODE_SILENT, "holds this node's folder, and nothing answers", "kill "),
    # what runs, and what is around it
    F(around.running_on_a_full_disk, C.DISK_FULL, "0 MiB free", "Free space there"),
    F(around.no_worker, C.NO_WORKER, "No worker has ever shown itself", "systemctl start ffp-worker"),
    F(around.queue_that_stands, C.QUEUE_STANDS, "The queue does not move: 1 jobs are due", "ffp job list"),
    F(around.cluster_away, C.CLUSTER_AWAY, "The cluster at tcp://127.0.0.1", "Start scheduler and workers"),
    F(around.object_store_away, C.OBJECTS_AWAY, "The object store", "Bring it back"),
    F(around.mail_server_away, C.MAIL_AWAY, "The mail server does not take letters", "nc -vz 127.0.0.1"),
    F(around.provider_away, C.SIGN_IN_AWAY, "The provider of the sign-in does not answer", "openid-configuration"),
    F(around.time_authority_away, C.TIME_AUTHORITY_AWAY, "The time-stamp authority is away", "curl -sI"),
    # its peers
    F(around.clock_off_by_the_peers, C.CLOCK_OFF, "2 hours behind those of most of its 2 peers", "timedatectl"),
    F(around.no_peer_reached, C.NO_NETWORK, "None of this node's 2 peers is reached", "ip route"),
    F(around.peer_away, C.PEER_AWAY, "does not answer", "telephone its operator"),
    F(around.certificate_of_a_peer_ends, C.PEER_CERTIFICATE, "ffp-mk ends in 13 days", "Tell its operator"),
    F(around.certificate_of_a_peer_ended, C.PEER_CERTIFICATE, "ffp-mk has ended", "Tell its operator"),
    F(around.trust_root_expires, C.TRUST_ROOT, "of the trust root expires on", "ffp root install"),
)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The node that is copied for each fault."""
    return make(tmp_path_factory.mktemp("broken"))


@pytest.fixture
def made(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Made:
    """A whole copy, on a machine whose clock is set: that of a container may not be, whatever a test does."""
    monkeypatch.setenv("FFP_NODE_KEY_PASSPHRASE", PASSPHRASE)
    monkeypatch.setattr(machine, "clock_is_synchronised", lambda: True)
    (tmp_path / "beside").mkdir()
    home = Path(shutil.copytree(first, tmp_path / "node"))
    return Made(home, tmp_path / "beside", monkeypatch, request)


def in_a_process(under: tuple[str, ...], *arguments: str) -> Said:
    if shutil.which(under[0]) is None:
        pytest.skip(f"{under[0]} is not installed")
    if os.geteuid() and under[0] == "setpriv":
        under = ()  # nobody needs to give up what only root has
    program = [*under, sys.executable, "-m", "exchange.cli.main", *arguments]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=120)
    return Said(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Cause]:
    """The causes of each examination in this process, in their order."""
    causes: list[Cause] = []

    def recorded(home: Path, *, passphrase: SecretStr | None = None) -> Examination:
        found = examine(home, passphrase=passphrase)
        causes.extend(item.cause for item in found.causes)
        return found

    monkeypatch.setattr("exchange.flows.operate.doctor.examine.examine", recorded)
    return causes


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.way.__name__)
def test_the_first_line_is_the_cause_and_the_second_the_step(
    fault: Fault, made: Made, ffp: Ffp, told: list[Cause]
) -> None:
    with fault.way(made):
        arguments = ("doctor", "--home", str(made.home))
        said = in_a_process(fault.under, *arguments) if fault.under else ffp(*arguments)
    assert said.err == ""
    first, second, *_ = said.out.splitlines()
    assert first.startswith("Cause: "), said.out
    assert second.startswith("Step:  "), said.out
    assert fault.said in first, said.out
    assert fault.step in second, said.out
    assert said.code in (1, 2)
    assert fault.under or told[0] == fault.cause


def test_a_whole_node_is_told_in_one_line(made: Made, ffp: Ffp) -> None:
    said = ffp("doctor", "--home", made.home)
    assert (said.code, said.err) == (0, "")
    [line] = said.out.splitlines()
    assert line.startswith("All is well. The node does not run; ")


def test_programs_are_told_the_same(made: Made, ffp: Ffp) -> None:
    """What follows from a cause is marked, and what could not be looked at."""
    with home.full_disk(made):
        told = json.loads(ffp("doctor", "--json", "--home", made.home).out)
        lines = ffp("doctor", "--home", made.home).out.splitlines()
    assert lines[:2] == [f"Cause: {told['cause']}", f"Step:  {told['step']}"]
    assert told["findings"][0]["kind"] == "disk-full"
    assert all(item["follows"] for item in told["findings"][1:]), "nothing else is wrong with it"
    assert told["checks"]["disk"] == "fault"
    assert told["checks"]["keys"] == "good"


@pytest.mark.parametrize(
    ("way", "cause"), [(database.gone, C.DATABASE_GONE), (home.wrong_passphrase, C.PASSPHRASE_WRONG)]
)
def test_what_could_not_be_looked_at_is_named(made: Made, ffp: Ffp, way: Way, cause: Cause) -> None:
    with way(made):
        told = json.loads(ffp("doctor", "--json", "--home", made.home).out)
    assert told["findings"][0]["kind"] == cause
    assert told["checks"]["scans"] == "not examined"


def test_there_are_thirty_and_more() -> None:
    assert len({fault.way for fault in FAULTS}) >= 30
    assert len(FAULTS) == len({(fault.way, fault.under) for fault in FAULTS})
