"""A check on a node: the first scan begins a series, later ones are held against it, and nothing of it is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, text

import matcher
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.instrument.check_instrument import StatedCheck, check_instrument
from exchange.flows.instrument.check_series import list_series, read_series
from exchange.flows.instrument.instrument_chart import chart_of
from exchange.flows.instrument.outcome_words import outcome_in_words
from exchange.flows.log.audit_rows import CONSOLE
from exchange.flows.node.node import Node, create_node, open_node
from exchange.store.entry.instrument_checks import heights_of
from exchange.store.tables.log import AuditRow
from matcher.instrument.check_limits import CheckOutcome
from matcher.synthetic.breech_face import draw
from schemas.vocabulary import Jurisdiction
from tests.matcher.instrument.altered_scan import altered

pytestmark = pytest.mark.slow

STATED = StatedCheck("SRM 2461-7", maker="NanoFocus", model="usurf", serial="12", software="8.1")
Scan = Callable[..., Path]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for all: its worker processes are started once."""
    home = tmp_path_factory.mktemp("instrument") / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://rs.test", port=9)
    node = open_node(home)
    yield node
    node.close()


@pytest.fixture
def node(world: Node) -> Iterator[Node]:
    yield world
    with world.store.write() as session:
        session.execute(text("delete from instrument_reference"))
        session.execute(text("delete from instrument_check"))


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """Writes a scan of the specimen, or of another firearm, measured otherwise by known amounts."""
    made: list[Path] = []

    def make(*, firearm: int = 3, **changes: float) -> Path:
        made.append(tmp_path / f"{len(made)}.x3p")
        drawn = draw(firearm, 1)
        shown = altered(drawn, seed=len(made), **{"noise_um": 0.02, **changes})  # type: ignore[arg-type]
        matcher.write_topography(shown, made[-1])
        return made[-1]

    return make


def test_the_first_scan_begins_a_series_and_the_next_are_held_against_it(node: Node, scan: Scan) -> None:
    first = check_instrument(node, CONSOLE, scan(), STATED)
    assert (first.row.outcome, first.figures, first.verdict) == ("reference", None, None)
    good = check_instrument(node, CONSOLE, scan(rotation_deg=40.0), STATED)
    assert (good.row.outcome, good.row.reference) == ("passed", first.row.check_id)
    bad = check_instrument(node, CONSOLE, scan(scale_x=1.01), STATED)
    assert bad.row.outcome == "failed"
    assert bad.figures is not None
    assert bad.figures.scale_x.value == pytest.approx(1.01, abs=0.0005)
    other = check_instrument(node, CONSOLE, scan(firearm=4), STATED)
    assert other.verdict is not None
    assert (other.row.outcome, other.verdict.same_specimen) == ("failed", False)

    series = read_series(node, good.row.check_id)
    assert [point.outcome for point in series.points] == ["reference", "passed", "failed", "failed"]
    assert [list(point.values) for point in series.points][-1] == ["correlation"], "of another specimen no more"
    assert all(point.intact for point in series.points)
    said = [" ".join(outcome_in_words(point)) for point in series.points]
    assert "The first scan of a series" in said[0]
    assert said[1] == "Passed. Nothing is to be done."
    assert "Lengths along x" in said[2]
    assert "101.000 %, beyond the action limit (99.500 % – 100.500 %)" in said[2]
    assert "Nothing of the first scan was found again" in said[3]
    assert "Lengths along x" in chart_of(series)
    [listed] = list_series(node)
    assert (listed.last.check_id, listed.due.isoformat()) == (other.row.check_id, other.row.at[:10]), "at once"


def test_what_is_kept_repeats_the_comparison_and_its_digest_is_of_all_of_it(node: Node, scan: Scan) -> None:
    first = check_instrument(node, CONSOLE, scan(), STATED)
    later = check_instrument(node, CONSOLE, scan(gain=1.015), STATED)
    with node.store.read() as session:
        heights = heights_of(session, first.row.check_id)
    said, again = json.loads(first.row.document), json.loads(later.row.document)
    assert heights is not None
    assert hashlib.sha256(heights).hexdigest() == said["heights"]
    assert len(heights) < 1_000_000
    assert again["first"] == again["previous"] == first.row.sha256
    assert hashlib.sha256(later.row.document.encode()).hexdigest() == later.row.sha256
    assert again["values"]["height_ratio"]["value"] == pytest.approx(1.015, abs=0.001)
    assert again["limits"]["scale_x"] == {"warning": [0.998, 1.002], "action": [0.995, 1.005]}
    with node.store.read() as session:
        rows = [row for row in session.scalars(select(AuditRow)) if row.act == "check-instrument"]
    assert [(row.actor, row.asked) for row in rows[-2:]] == [
        ("console", "NanoFocus usurf, SRM 2461-7: reference"),
        ("console", "NanoFocus usurf, SRM 2461-7: warning"),
    ]


def test_a_drift_is_told_though_each_check_is_within_its_limits(node: Node, scan: Scan) -> None:
    check_instrument(node, CONSOLE, scan(), STATED)
    outcomes = [check_instrument(node, CONSOLE, scan(gain=1.007), STATED).row.outcome for _ in range(5)]
    assert outcomes == ["passed"] * 4 + ["warning"]
    [told] = read_series(node, list_series(node)[0].series_id).last.told
    assert (told["measure"], told["sign"]) == ("height_ratio", "drift")


def test_a_new_series_is_begun_for_a_reason_and_the_old_one_stays_readable(node: Node, scan: Scan) -> None:
    first = check_instrument(node, CONSOLE, scan(), STATED)
    check_instrument(node, CONSOLE, scan(gain=1.05), STATED)
    anew = StatedCheck(**{**vars(STATED), "new_reference": True})
    with pytest.raises(InvalidInput, match="--reason"):
        check_instrument(node, CONSOLE, scan(gain=1.05), anew)
    reason = StatedCheck(**{**vars(anew), "reason": "Calibrated by the maker"})
    second = check_instrument(node, CONSOLE, scan(gain=1.05), reason)
    assert second.row.outcome == CheckOutcome.REFERENCE
    assert check_instrument(node, CONSOLE, scan(gain=1.05), STATED).row.outcome == "passed"
    [series] = list_series(node)
    assert (series.series_id, series.reason) == (second.row.check_id, "Calibrated by the maker")
    closed = [one for one in list_series(node, closed=True) if one.closed]
    assert [one.series_id for one in closed] == [first.row.check_id]
    assert [point.outcome for point in read_series(node, first.row.check_id).points] == ["reference", "failed"]


def test_one_device_is_one_however_it_is_typed_and_its_software_may_change(node: Node, scan: Scan) -> None:
    first = check_instrument(node, CONSOLE, scan(), STATED)
    typed = StatedCheck("srm  2461-7", maker="NANOFOCUS", model=" usurf", serial="12", software="9.0")
    later = check_instrument(node, CONSOLE, scan(), typed)
    assert (later.row.reference, later.row.specimen) == (first.row.check_id, "SRM 2461-7")
    other = StatedCheck(**{**vars(STATED), "serial": "13"})
    assert check_instrument(node, CONSOLE, scan(), other).row.outcome == "reference"
    assert len(list_series(node)) == 2


def test_a_scan_that_is_in_the_series_is_no_check(node: Node, scan: Scan) -> None:
    path = scan()
    check_instrument(node, CONSOLE, path, STATED)
    with pytest.raises(InvalidInput, match="scan the specimen again") as refused:
        check_instrument(node, CONSOLE, path, STATED)
    assert refused.value.code == "scan-known"
    exported = path.with_name("again.x3p")
    matcher.write_topography(matcher.read_topography(path), exported, instrument="another name")
    assert exported.read_bytes() != path.read_bytes()
    with pytest.raises(InvalidInput, match="scan the specimen again"):
        check_instrument(node, CONSOLE, exported, STATED)
    assert len(read_series(node, list_series(node)[0].series_id).points) == 1


def _flat(path: Path) -> Path:
    """A plane, as of a flatness standard: 300 x 300 points, tilted by 20 um, with the noise of an instrument."""
    tilted = np.linspace(0.0, 20.0, 300) + np.random.default_rng(1).normal(0.0, 0.001, (300, 300))
    matcher.write_topography(matcher.Topography(tilted.astype(np.float32), (6.25, 6.25)), path)
    return path


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "noise": (lambda path: path.write_bytes(bytes(range(256)) * 40), "This is no topography"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "by heights, no pictures"),
    "a plane": (_flat, "This is no scan of a specimen"),
    "cut": (lambda path: path.write_bytes(path.with_name("whole.x3p").read_bytes()[:-2000]), ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_refused_in_one_sentence_and_nothing_is_kept(
    node: Node, tmp_path: Path, name: str
) -> None:
    matcher.write_topography(draw(3, 1), tmp_path / "whole.x3p")
    make, sentence = HOSTILE[name]
    make(tmp_path / "scan.x3p")
    with pytest.raises(InvalidInput) as refused:
        check_instrument(node, CONSOLE, tmp_path / "scan.x3p", STATED)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert list_series(node) == []


def test_a_huge_file_is_not_read(node: Node, tmp_path: Path) -> None:
    path = tmp_path / "huge.x3p"
    with path.open("wb") as file:
        file.truncate(node.settings.max_scan_bytes + 1)
    with pytest.raises(TooLarge, match="crop it"):
        check_instrument(node, CONSOLE, path, STATED)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roi": "aperture_shear"}, "no-specimen-region"),
        ({"roi": "../../etc"}, "no-specimen-region"),
        ({"specimen": ""}, "invalid-field"),
        ({"specimen": "a\u202eb"}, "invalid-field"),
        ({"specimen": "x" * 121}, "invalid-field"),
        ({"maker": None}, "instrument-missing"),
        ({"serial": "1\u202e2"}, "invalid-field"),
    ],
)
def test_what_is_stated_must_be_what_a_record_may_state(
    node: Node, scan: Scan, changes: dict[str, str | None], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_instrument(node, CONSOLE, scan(), StatedCheck(**{**vars(STATED), **changes}))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert list_series(node) == []


def test_altered_heights_are_not_compared_with(node: Node, scan: Scan) -> None:
    first = check_instrument(node, CONSOLE, scan(), STATED)
    with node.store.write() as session:
        session.execute(text("update instrument_reference set heights = :other"), {"other": b"other"})
    with pytest.raises(Conflict, match="--new-reference"):
        check_instrument(node, CONSOLE, scan(), STATED)
    with node.store.write() as session:
        session.execute(text("update instrument_check set outcome = 'passed'"))
    assert [point.intact for point in read_series(node, first.row.check_id).points] == [False]
    with node.store.write() as session:
        session.execute(text("update instrument_check set document = 'no JSON', outcome = 'never written'"))
    [listed] = list_series(node)
    assert (listed.last.intact, listed.last.values, listed.instrument.maker) == (False, {}, "?")
    assert "counts no more" in outcome_in_words(listed.last)[0]
    assert "<svg" in chart_of(listed)


def test_the_region_of_a_series_stays(node: Node, scan: Scan) -> None:
    check_instrument(node, CONSOLE, scan(), STATED)
    with pytest.raises(InvalidInput, match=r"region breech_face|no scan of a specimen"):
        check_instrument(node, CONSOLE, scan(), StatedCheck(**{**vars(STATED), "roi": "firing_pin_impression"}))


def test_there_is_no_series_of_a_check_that_is_not_there(node: Node) -> None:
    with pytest.raises(NotFound):
        read_series(node, 999_999)
