"""A watched folder: each scan is taken once, or refused in words, whatever its name, its sidecar and its bytes are."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from exchange.cli.acting import maker_of
from exchange.errors import NotFound
from exchange.flows.access.users import revoke_user
from exchange.flows.entry.import_table import ColumnMap
from exchange.flows.entry.watch import dropped, put_away
from exchange.flows.entry.watch.dropped import DropFolder, FolderEntry
from exchange.flows.entry.watch.file_outcome import Dropped
from exchange.flows.entry.watch.places import MovedAside
from exchange.flows.entry.watch.stated_in_file import Stating
from exchange.flows.entry.watch.take_round import FolderWatch, Waits
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.operate.doctor.work import examine_alarms
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.measure import observe
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.tables.record_tables import RecordRow
from exchange.store.tables.watched import WatchedScanRow
from exchange.store.terms.withdrawals import erase_rows
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, Said, refusal
from tests.exchange.web.conftest import tiny_scan

STATED = {
    "case_reference": "RS-1",
    "exhibit.kind": "crime scene",
    "exhibit.calibre": "9x19",
    "handling.code": "H1",
    "retention_until": "2036-12-31",
    "roi": "Breech face",
}
Once = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "e-1", Role.EXAMINER)
        add_user(session, "i-1", Role.INVESTIGATOR)
    return home


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def once(ffp: Ffp, home: Path, folder: Path) -> Once:
    """One round: everything there is at rest."""

    def call(*more: str | Path) -> Said:
        return ffp("watch", folder, "--as", "e-1", "--once", "--settle", "0", "--home", home, *more)

    return call


def drop(folder: Path, stem: str, scan: bytes | None = None, /, **stated: Any) -> bytes:
    """A scan with its sidecar; returns the scan."""
    content = tiny_scan() if scan is None else scan
    (folder / f"{stem}.x3p").write_bytes(content)
    (folder / f"{stem}.json").write_text(json.dumps({**STATED, **stated}))
    return content


def held(home: Path) -> int:
    with opened(home) as node, node.store.read() as session:
        return session.scalar(select(func.count()).select_from(RecordRow)) or 0


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def report(folder: Path, name: str) -> str:
    return (folder / "refused" / f"{name}.refused.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_scan_is_taken_and_moved_with_its_sidecar(once: Once, home: Path, folder: Path) -> None:
    drop(folder, "one")
    (folder / "two.PNG").write_bytes(photograph(folder))
    (folder / "two.csv").write_text(
        ";".join([*STATED, "lateral_resolution_um"]) + "\n" + ";".join([*STATED.values(), "2,5"])
    )
    said = once()
    assert (said.code, said.out.count("taken: ")) == (0, 2), said
    assert names(folder) == {"taken", "refused"}
    assert names(folder / "taken") == {"one.x3p", "one.json", "two.PNG", "two.csv"}
    assert held(home) == 2
    with opened(home) as node:
        assert not list(node.settings.incoming.iterdir())
    assert once().out == "no scan\n"


def photograph(folder: Path) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 255, (64, 64), dtype=np.uint8)
    path = folder.parent / "made.png"
    Image.fromarray(pixels).save(path)
    return path.read_bytes()


@pytest.mark.slow
def test_scans_of_one_exhibit_are_one_record(once: Once, home: Path, folder: Path, tmp_path: Path) -> None:
    """By their names: the case, the exhibit within it, the region."""
    (tmp_path / "map.toml").write_text(
        '[columns]\nitem = "exhibit"\n[values.roi]\nFP = "firing_pin_impression"\n[defaults]\n'
        + "".join(
            f'"{name}" = "{text}"\n' for name, text in STATED.items() if name not in {"case_reference", "roi"}
        ).replace("crime scene", "crime_scene")
    )
    for name in ("RS-1_1_breech_face_1", "RS-1_1_FP_2", "RS-2_1_breech_face_1", "RS-2_breech_face_7"):
        (folder / f"{name}.x3p").write_bytes(tiny_scan())
    (folder / "scan001.x3p").write_bytes(tiny_scan())
    more = ("--map", tmp_path / "map.toml", "--pattern", "{case_reference}_{item?}_{roi}_{number}")
    said = once(*more)
    assert (said.code, held(home)) == (1, 3), said
    assert "does not fit the pattern" in report(folder, "scan001.x3p")
    with opened(home) as node, node.store.read() as session:
        record = session.scalars(select(RecordRow.statement_id).where(RecordRow.case_reference == "RS-1")).one()
        rois = [row.roi for row in acquisitions_of(session, record)]
    assert rois == ["firing_pin_impression", "breech_face"]
    (folder / "RS-1_1_breech_face_9.x3p").write_bytes(tiny_scan())
    assert once(*more).code == 1, "too late for the record"
    late = report(folder, "RS-1_1_breech_face_9.x3p")
    assert record in late
    assert "make a new version" in late


@pytest.mark.slow
def test_the_same_bytes_are_here_already_and_other_bytes_must_say_what_they_are(
    once: Once, home: Path, folder: Path
) -> None:
    scan = drop(folder, "one")
    assert "taken: one.x3p" in once().out
    drop(folder, "renamed", scan)
    drop(folder, "twin", scan)
    said = once()
    assert (said.code, said.out.count("already here: ")) == (0, 2), said
    drop(folder, "one")
    assert once().code == 1
    assert "with other bytes was taken" in report(folder, "one.x3p")
    drop(folder, "one", case_reference="RS-2")
    assert once().code == 0
    drop(folder, "one", scan, case_reference="RS-3")
    assert once().code == 1
    assert "is in a record already, which differs in: case_reference" in report(folder, "one.x3p")
    assert held(home) == 2
    kept = names(folder / "taken")
    assert len([name for name in kept if name.startswith("one") and name.endswith(".x3p")]) == 2, kept


@pytest.mark.slow
def test_what_came_by_the_import_is_here_already(once: Once, ffp: Ffp, home: Path, folder: Path) -> None:
    drop(folder, "one")
    table = folder.parent / "table.csv"
    table.write_text(",".join(["file", *STATED]) + "\none.x3p," + ",".join(STATED.values()) + "\n")
    assert ffp("import", folder, "--csv", table, "--as", "e-1", "--home", home).code == 0
    said = once()
    assert (said.code, said.out.count("already here: one.x3p")) == (0, 1), said
    assert held(home) == 1


@pytest.mark.slow
def test_what_is_wrong_is_told_by_its_column(once: Once, home: Path, folder: Path) -> None:
    drop(folder, "calibre", None, **{"exhibit.calibre": "9x91", "roi": "the front"})
    drop(folder, "damaged", b"PK\x03\x04 no archive")
    drop(folder, "empty", b"")
    drop(folder, "text", b"no scan at all")
    drop(folder, "bomb", bomb())
    drop(folder, "other", file="another.x3p")
    (folder / "alone.x3p").write_bytes(tiny_scan())
    (folder / "lone.json").write_text("{}")
    drop(folder, "broken")
    (folder / "broken.json").write_text('{"roi": "breech_')
    drop(folder, "both")
    (folder / "both.csv").write_text("roi\nx\n")
    said = once()
    assert (said.code, held(home)) == (1, 0), said
    assert "exhibit.calibre: The calibre '9x91' is not known" in report(folder, "calibre.x3p")
    assert "roi: " in report(folder, "calibre.x3p")
    for name, told in {
        "damaged.x3p": "",
        "empty.x3p": "The file is empty",
        "text.x3p": "neither a topography (x3p) nor",
        "bomb.x3p": "",
        "other.x3p": "speaks of another.x3p",
        "alone.x3p": "There is no sidecar: alone.json",
        "lone.json": "There is no scan beside it",
        "broken.x3p": "broken.json: The sidecar is no JSON",
        "both.x3p": "It has two sidecars",
    }.items():
        text = report(folder, name)
        assert told in text, name
        assert "What to do:\n" in text
    assert "damaged.json" in names(folder / "refused")
    assert "calibre.x3p" in names(folder / "refused")


def bomb() -> bytes:
    import io
    import zipfile

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("main.xml", b" " * (64 << 20))
    return made.getvalue()


@pytest.mark.slow
def test_hostile_names_are_refused_and_lead_nowhere(once: Once, home: Path, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.x3p"
    outside.write_bytes(tiny_scan())
    (folder / "link.x3p").symlink_to(outside)
    (folder / "link.json").write_text(json.dumps(STATED))
    (folder / "folder.x3p").mkdir()
    os.mkfifo(folder / "pipe.x3p")
    (folder / "sidecar.x3p").write_bytes(tiny_scan())
    (folder / "sidecar.json").symlink_to(tmp_path / "secret.json")
    (tmp_path / "secret.json").write_text(json.dumps(STATED))
    for name in (b"bell\a.x3p", b"line\nbreak.x3p", b"\xff.x3p", b"n" * 240 + b".x3p", b"\xe2\x80\xae.x3p"):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(tiny_scan())
    (folder / ".hidden.x3p").write_bytes(tiny_scan())
    (folder / "~copying.x3p").write_bytes(b"half")
    (folder / "notes.txt").write_text("left alone")
    said = once()
    assert (said.code, held(home)) == (1, 0), said
    assert said.out.count("refused: ") == 9
    assert "\a" not in said.out
    assert names(folder) == {"taken", "refused", ".hidden.x3p", "~copying.x3p", "notes.txt", "sidecar.json"}
    assert names(folder / "taken") == set()
    assert outside.exists()
    assert len([name for name in names(folder / "refused") if name.endswith(".refused.txt")]) == 9


@pytest.mark.slow
def test_a_share_that_cannot_be_written_is_read_once(once: Once, home: Path, folder: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    drop(folder, "one")
    drop(folder, "wrong", None, **{"exhibit.calibre": "9x91"})
    before = names(folder)
    assert once("--journal", journal).code == 1
    with (journal / "journal.jsonl").open("a") as file:
        file.write('{"name": "cut o')  # with the power
    assert once("--journal", journal).out == "no scan\n"
    assert names(folder) == before
    assert "9x91" in (journal / "wrong.x3p.refused.txt").read_text()
    (folder / "wrong.json").write_text(json.dumps(STATED))
    assert "taken: wrong.x3p" in once("--journal", journal).out
    assert once("--journal", journal).out == "no scan\n"
    lines = (journal / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines if line.endswith("}")] == ["taken", "refused", "taken"]
    assert held(home) == 2


@pytest.mark.slow
def test_as_json_each_file_is_a_line(once: Once, folder: Path) -> None:
    drop(folder, "one", None, **{"exhibit.headstamp": "Petar Petrović"})
    (line,) = once("--json").out.splitlines()
    told = json.loads(line)
    assert (told["name"], told["outcome"], told["doubts"]) == ("one.x3p", "taken", "exhibit.headstamp: name")


@pytest.mark.slow
def test_what_stands_in_the_way_of_all_is_one_sentence(
    ffp: Ffp, home: Path, folder: Path, tmp_path: Path, once: Once
) -> None:
    drop(folder, "one")
    no_folder = ffp("watch", tmp_path / "home" / "node.db", "--as", "e-1", "--once", "--home", home)
    assert "is no folder" in refusal(no_folder)
    assert "examiner" in refusal(ffp("watch", folder, "--as", "i-1", "--once", "--settle", "0", "--home", home))
    assert "cannot be used" in refusal(once("--pattern", "{roi}{case}"))
    (folder / "taken").symlink_to(tmp_path)
    assert "taken" in refusal(once())
    assert names(folder) == {"one.x3p", "one.json", "taken"}


class Rounds:
    """Rounds of one watch, as in a process that goes on."""

    def __init__(
        self,
        node: Node,
        folder: Path,
        *,
        settle_s: float = 0.2,
        exhibit_s: float = 0.2,
        tell: Callable[[Dropped], None] | None = None,
    ) -> None:
        self.told: list[Dropped] = []
        self._node, self._settle_s = node, settle_s
        self.watch = FolderWatch(
            folder,
            Stating(ColumnMap(), {}, None),
            Waits(settle_s, exhibit_s),
            MovedAside(folder),
            tell=tell or self.told.append,
            stopping=lambda: False,
        )

    def __call__(self, *, rest: bool = True) -> list[str]:
        """What is told in one round, after a settle time."""
        self.told.clear()
        if rest:
            time.sleep(self._settle_s * 1.2)
        self.watch.round(self._node, lambda: maker_of(self._node, "e-1", Role.EXAMINER))
        return [f"{told.outcome} {told.name}" for told in self.told]


@pytest.mark.slow
def test_a_file_is_opened_when_nobody_is_at_it(home: Path, folder: Path) -> None:
    whole = tiny_scan()
    with opened(home) as node:
        rounds = Rounds(node, folder)
        drop(folder, "slow", whole[:-30])
        assert rounds(rest=False) == []
        assert rounds() == [], "its end is not there"
        (folder / "slow.x3p").write_bytes(whole[:-10])
        assert rounds() == []
        (folder / "slow.x3p").write_bytes(whole)
        assert rounds(rest=False) == []
        assert rounds() == ["taken slow.x3p"]
        (folder / "late.x3p").write_bytes(tiny_scan())
        assert rounds() == []
        assert rounds() == [], "its sidecar is not there"
        (folder / "late.json").write_text(json.dumps(STATED)[:40])
        assert rounds() == []
        assert rounds() == [], "it is half written"
        (folder / "late.json").write_text(json.dumps(STATED))
        assert rounds(rest=False) == []
        assert rounds() == ["taken late.x3p"]


@pytest.mark.slow
def test_an_exhibit_waits_for_its_last_scan(home: Path, folder: Path) -> None:
    with opened(home) as node:
        rounds = Rounds(node, folder, exhibit_s=1.5)
        drop(folder, "a", exhibit="1")
        rounds(rest=False)
        assert rounds() == []
        drop(folder, "b", exhibit="1", roi="Firing pin impression")
        assert rounds(rest=False) == []
        time.sleep(1.6)
        assert rounds() == ["taken a.x3p", "taken b.x3p"]
    assert held(home) == 1


@pytest.mark.slow
def test_another_file_that_takes_the_name_meanwhile_stays(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The station writes the next scan under the same name just before the first one is moved."""
    first = drop(folder, "scan")
    rename = os.rename

    def overtaken(source: str, target: str, **places: int) -> None:
        if source == "scan.x3p":
            monkeypatch.setattr(os, "rename", rename)
            (folder / "new").write_bytes(first + b"another")
            (folder / "new").replace(folder / "scan.x3p")
        rename(source, target, **places)

    with opened(home) as node:
        rounds = Rounds(node, folder)
        rounds(rest=False)
        monkeypatch.setattr(os, "rename", overtaken)
        assert rounds() == ["taken scan.x3p"]
    assert (folder / "scan.x3p").read_bytes() == first + b"another"


@pytest.mark.slow
def test_a_run_that_was_killed_before_it_moved_goes_on(
    once: Once, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the record was stored; and between the scan and its sidecar."""
    drop(folder, "one")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with opened(home) as node:
        rounds = Rounds(node, folder)
        rounds(rest=False)
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", killed)
            with pytest.raises(KeyboardInterrupt):
                rounds()
    assert held(home) == 1
    assert names(folder) >= {"one.x3p", "one.json"}
    assert "already here: one.x3p" in once().out
    (folder / "taken" / "one.json").rename(folder / "one.json")
    assert "already here: one.json" in once().out
    assert names(folder) == {"taken", "refused"}
    assert held(home) == 1


@pytest.mark.slow
def test_of_a_record_that_is_erased_no_name_stays(once: Once, home: Path, folder: Path) -> None:
    drop(folder, "one")
    once()
    with opened(home) as node, node.store.write() as session:
        row = session.scalars(select(WatchedScanRow)).one()
        assert (row.name, row.folder) == ("one.x3p", str(folder))
        erase_rows(session, row.statement_id)
        assert session.scalars(select(WatchedScanRow)).all() == []


@pytest.mark.slow
def test_nothing_is_made_in_a_folder_for_a_user_who_is_not_there(ffp: Ffp, home: Path, folder: Path) -> None:
    said = ffp("watch", folder, "--as", "e-9", "--once", "--settle", "0", "--home", home)
    assert "no active user e-9" in refusal(said)
    assert names(folder) == set()


@pytest.mark.slow
def test_who_looks_after_the_node_is_told_of_a_watch_that_ended(ffp: Ffp, home: Path, folder: Path) -> None:
    """Its user is not there any more: it ends, as often as it is started; and so it is told for how long."""
    refusal(ffp("watch", folder, "--as", "e-9", "--home", home))
    (standing,) = (home / "watch").glob("*.json")
    told = json.loads(standing.read_text())
    assert told["fault"].startswith("There is no active user e-9")
    standing.write_text(json.dumps(told | {"fault_since": "2026-01-01T00:00:00.000Z"}))
    refusal(ffp("watch", folder, "--as", "e-9", "--home", home))
    alarms = json.loads(ffp("status", "--json", "--home", home).out)["alarms"]
    assert [alarm for alarm in alarms if "since 2026-01-01T00:00:00.000Z: There is no active user e-9" in alarm]
    with opened(home) as node:
        assert Cause.WATCHED_FOLDER in [finding.cause for finding in examine_alarms(node)]
        assert observe(node).value("ffp_watches_failing") == 1


@pytest.mark.slow
def test_two_files_with_one_name_that_is_as_long_as_names_are(once: Once, folder: Path) -> None:
    """The second one is told apart by the time, for which its name has no room."""
    for name in (b"n" * 251 + b".x3p", "дуго".encode() * 31 + b".x3p"):
        for _ in range(2):
            Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(tiny_scan())
            assert once().code == 1
            assert names(folder) == {"taken", "refused"}
    assert len([name for name in names(folder / "refused") if name.endswith(".x3p")]) == 4


@pytest.mark.slow
def test_what_cannot_be_moved_is_told_once_and_keeps_nothing_else_waiting(home: Path, folder: Path) -> None:
    with opened(home) as node:
        rounds = Rounds(node, folder)
        (folder / "refused").rmdir()
        (folder / "refused").write_text("no folder")
        drop(folder, "a-wrong", None, **{"exhibit.calibre": "9x91"})
        drop(folder, "b-good")
        (folder / "a\nname.x3p").write_bytes(tiny_scan())
        rounds(rest=False)
        assert sorted(rounds()) == ["refused a\nname.x3p", "refused a-wrong.x3p", "taken b-good.x3p"]
        assert "2 files cannot be moved or written down (Not a directory)" in rounds.watch.fault
        assert rounds() == [], "told once"
        assert names(folder) == {"taken", "refused", "a-wrong.x3p", "a-wrong.json", "a\nname.x3p"}


@pytest.mark.slow
def test_what_could_not_be_moved_is_moved_when_it_is_due(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(put_away, "MOVED_AGAIN_S", 0.1)
    with opened(home) as node:
        rounds = Rounds(node, folder)
        (folder / "refused").rmdir()
        (folder / "refused").write_text("no folder")
        drop(folder, "wrong", None, **{"exhibit.calibre": "9x91"})
        rounds(rest=False)
        assert rounds() == ["refused wrong.x3p"]
        (folder / "refused").unlink()
        assert rounds() == []
        assert rounds.watch.fault == ""
        assert names(folder / "refused") == {"wrong.x3p", "wrong.json", "wrong.x3p.refused.txt"}
        assert rounds.watch.refused()[0] == 1


@pytest.mark.slow
def test_a_share_that_does_not_give_a_scan_refuses_nothing(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went away while it was read, for longer than a station may be at a file."""
    read = DropFolder.open

    def away(self: DropFolder, entry: FolderEntry) -> Any:
        if entry.name.startswith("a"):
            raise OSError(errno.EHOSTDOWN, os.strerror(errno.EHOSTDOWN))
        return read(self, entry)

    drop(folder, "a")
    drop(folder, "b")
    with opened(home) as node:
        rounds = Rounds(node, folder, settle_s=0.05)
        rounds(rest=False)
        monkeypatch.setattr(DropFolder, "open", away)
        time.sleep(0.6)
        with pytest.raises(OSError, match=os.strerror(errno.EHOSTDOWN)):
            rounds()
        assert [told.name for told in rounds.told] == ["b.x3p"]
        monkeypatch.setattr(DropFolder, "open", read)
        assert rounds() == ["taken a.x3p"]


@pytest.mark.slow
def test_who_is_revoked_within_a_round_submits_nothing_more(home: Path, folder: Path) -> None:
    drop(folder, "one")
    drop(folder, "two")
    with opened(home) as node:
        rounds = Rounds(node, folder, tell=lambda _: revoke_user(node, "e-1"))
        rounds(rest=False)
        with pytest.raises(NotFound, match="no active user"):
            rounds()
    assert held(home) == 1


@pytest.mark.slow
def test_files_of_others_hide_no_scan_and_too_many_scans_are_told(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropped, "MAX_LOOKED_AT", 4)
    for number in range(9):
        (folder / f"note-{number}.txt").write_text("the station's own")
    drop(folder, "one")
    with opened(home) as node:
        rounds = Rounds(node, folder)
        rounds(rest=False)
        assert rounds() == ["taken one.x3p"]
        assert rounds.watch.fault == ""
        for number in range(3):
            drop(folder, f"scan-{number}")
        rounds(rest=False)
        assert "the others are not seen" in rounds.watch.fault
