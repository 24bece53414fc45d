"""Exhibits by the table: a dry run, a run, the same again; what is wrong is told by its line."""

from __future__ import annotations

import csv
import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.cli.acting import maker_of
from exchange.errors import InvalidInput
from exchange.flows.entry.bulk_import import import_groups
from exchange.flows.entry.import_source import MAX_ENTRIES, ZipSource, open_source
from exchange.flows.entry.import_table import BUILT_IN, TABLE_COLUMNS, read_mapping, read_table
from exchange.flows.node.node import create_node, opened
from exchange.flows.statement.sharing import record_of
from exchange.store.access.user_rows import add_user
from exchange.store.entry.record_rows import acquisitions_of
from exchange.store.tables.record_tables import RecordRow
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.web.conftest import tiny_scan

Report = Callable[..., tuple[int, list[dict[str, str]]]]
HEADER = (
    "file,exhibit,case_reference,exhibit.kind,exhibit.calibre,handling.code,retention_until,roi,exhibit.headstamp\n"
)
GOOD = "a.x3p,1,RS-1,crime scene,9x19,H1,2036-12-31,Breech face,PPU\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "e-1", Role.EXAMINER)
        add_user(session, "i-1", Role.INVESTIGATOR)
    return home


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.x3p", "b.x3p", "deep/c.x3p"):
        (folder / name).write_bytes(tiny_scan())
    (folder / "broken.x3p").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "outside.x3p").write_bytes(tiny_scan())
    (folder / "link.x3p").symlink_to(tmp_path / "outside.x3p")
    return folder


@pytest.fixture
def run(ffp: Ffp, home: Path, tmp_path: Path) -> Report:
    """Imports a table; returns the exit code and the report."""

    def call(source: Path, text: str, *more: str) -> tuple[int, list[dict[str, str]]]:
        table, report = tmp_path / "table.csv", tmp_path / "report.csv"
        table.write_text(text, encoding="utf-8")
        said = ffp("import", source, "--csv", table, "--as", "e-1", "--report", report, "--home", home, *more)
        with report.open(encoding="utf-8", newline="") as file:
            return said.code, list(csv.DictReader(file))

    return call


def held(home: Path) -> int:
    with opened(home) as node, node.store.read() as session:
        return session.scalar(select(func.count()).select_from(RecordRow)) or 0


@pytest.mark.slow
def test_a_dry_run_then_a_run_then_the_same_again(run: Report, home: Path, scans: Path) -> None:
    table = HEADER + GOOD + "b.x3p,1,,,,,,firing pin impression,\n" + GOOD.replace("a.x3p,1", "deep/c.x3p,2")
    for more, outcome, records in (
        (("--dry-run",), "would be submitted", 0),
        ((), "submitted", 2),
        ((), "already here", 2),
        (("--dry-run",), "already here", 2),
    ):
        code, report = run(scans, table, *more)
        assert (code, [line["outcome"] for line in report]) == (0, [outcome] * 3)
        assert held(home) == records
    assert report[0]["statement_id"] == report[1]["statement_id"] != report[2]["statement_id"]
    with opened(home) as node, node.store.read() as session:
        rows = acquisitions_of(session, report[0]["statement_id"])
        assert [row.roi for row in rows] == ["breech_face", "firing_pin_impression"]
        assert not list(node.settings.incoming.iterdir())


@pytest.mark.slow
def test_each_fault_is_told_by_its_line_and_the_good_ones_go_in(run: Report, home: Path, scans: Path) -> None:
    lines = {
        "calibre": GOOD.replace("9x19", "9x91"),
        "absent": GOOD.replace("a.x3p", "z.x3p"),
        "upwards": GOOD.replace("a.x3p", "../outside.x3p"),
        "link": GOOD.replace("a.x3p", "link.x3p"),
        "broken": GOOD.replace("a.x3p", "broken.x3p"),
        "future": GOOD.replace("2036-12-31", "2001-01-01"),
        "formula": GOOD.replace("a.x3p", "=cmd()"),
        "name": GOOD.replace("PPU", "Petar Petrović"),
    }
    table = HEADER + "".join(line.replace(",1,", f",{name},") for name, line in lines.items())
    code, report = run(scans, table)
    told = {line["exhibit"]: line for line in report}
    assert code == 1
    assert "exhibit.calibre: The calibre '9x91' is not known" in told["calibre"]["why"]
    assert "There is no file 'z.x3p'" in told["absent"]["why"]
    assert "no path within" in told["upwards"]["why"]
    assert "There is no file" in told["link"]["why"]
    assert told["broken"]["outcome"] == "refused"
    assert "retention_until" in told["future"]["why"]
    assert told["formula"]["file"] == "'=cmd()", "no spreadsheet takes it for a formula"
    assert told["name"]["outcome"] == "submitted"
    assert told["name"]["may_tell_of_a_person"] == "exhibit.headstamp: name"
    assert held(home) == 1


@pytest.mark.slow
def test_a_run_that_ended_half_way_goes_on(run: Report, home: Path, scans: Path, tmp_path: Path) -> None:
    table = HEADER + GOOD + GOOD.replace("a.x3p,1", "b.x3p,2")
    (tmp_path / "t.csv").write_text(table, encoding="utf-8")
    groups = read_table(tmp_path / "t.csv", read_mapping(None), {})
    with opened(home) as node, open_source(scans) as source:
        next(import_groups(node, maker_of(node, "e-1", Role.EXAMINER), source, groups, dry_run=False))
    assert held(home) == 1
    code, report = run(scans, table)
    assert (code, [line["outcome"] for line in report]) == (0, ["already here", "submitted"])


@pytest.mark.slow
def test_a_file_that_cannot_be_read_is_told_by_its_line(
    run: Report, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone between two looks, not ours to read, no file at all: a sentence for its line, and the rest is checked."""
    (scans / "folder.x3p").mkdir()
    os.mkfifo(scans / "pipe.x3p")
    (scans / "nowhere.x3p").symlink_to(scans / "gone.x3p")
    (scans / "circle.x3p").symlink_to(scans / "circle.x3p")
    faults = {"vanishes.x3p": FileNotFoundError(2, "No such file"), "closed.x3p": PermissionError(13, "Denied")}
    for name in faults:
        (scans / name).write_bytes(tiny_scan())
    opened_as_ever = Path.open

    def open_file(path: Path, *arguments: str, **named: str) -> object:
        if path.name in faults:
            raise faults[path.name]
        return opened_as_ever(path, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", open_file)
    absent = ["folder.x3p", "pipe.x3p", "nowhere.x3p", "vanishes.x3p"]
    unreadable = ["circle.x3p", "closed.x3p", f"{'n' * 300}.x3p"]
    names = [*absent, *unreadable, "a.x3p"]
    code, lines = run(
        scans, HEADER + "".join(GOOD.replace("a.x3p,1", f"{name},{name[:9]}") for name in names), "--dry-run"
    )
    assert code == 1
    assert [line["outcome"] for line in lines] == ["refused"] * 7 + ["would be submitted"]
    assert all("There is no file" in line["why"] for line in lines[:4])
    assert all("cannot be read" in line["why"] for line in lines[4:7])


@pytest.mark.parametrize(
    "wrong", ["no source", "a pipe as source", "no table", "a folder as table", "report in a folder"]
)
def test_what_stands_in_the_way_of_all_is_one_sentence(
    ffp: Ffp, home: Path, scans: Path, tmp_path: Path, wrong: str
) -> None:
    table, report, source = tmp_path / "table.csv", tmp_path / "report.csv", scans
    table.write_text(HEADER + GOOD)
    os.mkfifo(tmp_path / "pipe")
    match wrong:
        case "no source":
            source = tmp_path / "nowhere"
        case "a pipe as source":
            source = tmp_path / "pipe"
        case "no table":
            table = tmp_path / "nowhere.csv"
        case "a folder as table":
            table = scans
        case "report in a folder":
            report = scans
    said = ffp("import", source, "--csv", table, "--as", "e-1", "--dry-run", "--report", report, "--home", home)
    refusal(said)


def test_a_full_disk_ends_the_run_with_one_sentence(
    ffp: Ffp, home: Path, scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FFP_NODE_MIN_FREE_BYTES", str(2**60))
    (tmp_path / "table.csv").write_text(HEADER + GOOD)
    said = ffp("import", scans, "--csv", tmp_path / "table.csv", "--as", "e-1", "--dry-run", "--home", home)
    assert said.code == 2
    assert "ffp: " in said.err
    assert "Traceback" not in said.err


def test_lines_of_one_exhibit_agree(run: Report, scans: Path) -> None:
    code, report = run(scans, HEADER + GOOD + GOOD.replace("a.x3p", "b.x3p").replace("9x19", "9x18"))
    assert (code, {line["outcome"] for line in report}) == (1, {"refused"})
    assert "line 3 says another" in report[0]["why"]


@pytest.mark.slow
def test_examiners_alone(ffp: Ffp, home: Path, scans: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(HEADER + GOOD, encoding="utf-8")
    said = ffp("import", scans, "--csv", tmp_path / "t.csv", "--as", "i-1", "--home", home)
    assert said.code == 2
    assert "examiner" in said.err


@pytest.mark.slow
def test_from_a_zip(run: Report, scans: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scans.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.x3p", "deep/c.x3p"):
            archive.write(scans / name, name)
        archive.writestr("../up.x3p", b"PK")
        archive.writestr("bomb.x3p", b"\0" * (64 << 20))
        link = zipfile.ZipInfo("link.x3p")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    names = ("a.x3p", "deep/c.x3p", "../up.x3p", "bomb.x3p", "link.x3p")
    table = HEADER + "".join(GOOD.replace("a.x3p,1", f"{name},{n}") for n, name in enumerate(names))
    code, report = run(tmp_path / "scans.zip", table)
    assert code == 1
    assert [line["outcome"] for line in report] == ["submitted", "submitted", "refused", "refused", "refused"]
    assert "unpacks to" in report[3]["why"]


def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path) -> None:
    for content in (b"", b"PK", b"PK\x05\x06" + b"\xff" * 18, b"x" * 100_000):
        (tmp_path / "a.zip").write_bytes(content)
        with pytest.raises(InvalidInput, match="neither a folder nor a zip"):
            open_source(tmp_path / "a.zip")


def test_a_zip_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.entry.import_source.MAX_ENTRIES", 2)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}", b"")
    with pytest.raises(InvalidInput, match="more than 2 files"):
        ZipSource(tmp_path / "a.zip")
    assert MAX_ENTRIES > 2


def test_a_mapping_renames_columns_and_values(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(
        '[columns]\n"Kalibar" = "exhibit.calibre"\n"Snimak" = "file"\n[values."exhibit.kind"]\n'
        '"Mesto događaja" = "crime_scene"\n[defaults]\n"roi" = "breech_face"\n',
        encoding="utf-8",
    )
    (tmp_path / "t.csv").write_text(
        "SNIMAK;kalibar;Exhibit.Kind;exhibit.classes.breech_face;beleška\na.x3p;9x19;mesto DOGAĐAJA;Arched; x\n",
        encoding="utf-8-sig",
    )
    (group,) = read_table(
        tmp_path / "t.csv", read_mapping(str(tmp_path / "map.toml")), {"retention_until": "2036-01-01"}
    )
    fields = group.fields()
    assert fields.pop(f"file.{group.file_id(group.lines[0])}.roi") == "breech_face"
    assert fields == {
        "exhibit.calibre": "9x19",
        "exhibit.kind": "crime_scene",
        "exhibit.classes.breech_face.arched": "yes",
        "retention_until": "2036-01-01",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[columns", "cannot be read"),
        ('[columns]\n"a" = "exhibit.name"', "exhibit.name"),
        ("[other]\nx = 1", "cannot be read"),
        ('[defaults]\n"roi" = 5', "cannot be read"),
    ],
)
def test_a_mapping_that_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "map.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=told):
        read_mapping(str(tmp_path / "map.toml"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "no column 'file'"),
        (b"exhibit,roi\n1,x\n", "no column 'file'"),
        (b"file,roi,ROI\n", "roi twice"),
        (b"file,roi\n\xff,x\n", "not UTF-8"),
        (b'file,roi\n"a,x\n', "no CSV"),
    ],
)
def test_a_table_that_is_wrong_is_named(tmp_path: Path, text: bytes, told: str) -> None:
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(InvalidInput, match=told):
        read_table(tmp_path / "t.csv", read_mapping(None), {})


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_mappings_are_good(name: str) -> None:
    mapping = read_mapping(name)
    assert set(mapping.columns.values()) <= set(TABLE_COLUMNS)
    assert "file" in mapping.columns.values()


def test_the_page_names_every_column(request: pytest.FixtureRequest) -> None:
    text = (request.config.rootpath / "docs" / "import.md").read_text(encoding="utf-8")
    assert [name for name in TABLE_COLUMNS if f"`{name}`" not in text] == []


@pytest.mark.slow
@pytest.mark.data
def test_real_scans_with_the_names_of_another_system(run: Report, home: Path, ffp_data: Path) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["Study", "Specimen", "File Name", "Caliber", "Firearm Brand", "Breech Face Class", "Region of Interest"]
    )
    for name in ("1-1", "1-2", "2-1"):
        writer.writerow(
            ["Fadul", name, f"Fadul {name}.x3p", "9 mm Luger", "Ruger", "Granular", "Breech Face Impression"]
        )
    more = ("--map", "nbtrd", "--retain-until", "2036-12-31")
    code, report = run(ffp_data / "fadul", out.getvalue(), *more)
    assert (code, {line["outcome"] for line in report}) == (1, {"refused"})
    assert "handling.code: Field required" in report[0]["why"]
    with_code = "\n".join(
        line + (",handling.code" if number == 0 else ",H0") for number, line in enumerate(out.getvalue().splitlines())
    )
    code, report = run(ffp_data / "fadul", with_code, *more)
    assert (code, [line["outcome"] for line in report]) == (0, ["submitted"] * 3)
    assert held(home) == 3


def test_a_calibre_that_is_in_no_list_comes_with_its_words(scans: Path, run: Report, home: Path) -> None:
    header = HEADER.replace("exhibit.headstamp", "Exhibit Calibre Words")
    other = GOOD.replace("9x19", "other").replace("PPU", "11 mm Werndl")
    refused = other.replace("a.x3p,1", "b.x3p,2").replace("11 mm Werndl", "")
    folded = other.replace("a.x3p,1", "deep/c.x3p,3").replace("other", '"7,62 х 54 Р"').replace("11 mm Werndl", "")
    code, lines = run(scans, header + other + refused + folded)
    assert [line["outcome"] for line in lines] == ["submitted", "refused", "submitted"]
    assert "calibre_words" in lines[1]["why"]
    assert code != 0
    with opened(home) as node, node.store.read() as session:
        said = [record_of(session, lines[place]["statement_id"]).exhibit for place in (0, 2)]
    assert [(one.calibre, one.calibre_words) for one in said] == [("other", "11 mm Werndl"), ("7.62x54R", None)]
