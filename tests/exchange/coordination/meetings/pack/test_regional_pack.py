"""The regional pack is made of files alone: what it tells is what the nodes know, and what it lacks it says."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import exact
from exchange.coordination.meetings.held_meetings import enter_meeting
from exchange.coordination.meetings.pack.approve_inputs import (
    approve_inputs,
    approved_inputs,
    draft_inputs,
    signed_inputs,
)
from exchange.coordination.meetings.pack.make_inputs import figures_of, overdue_band
from exchange.coordination.meetings.pack.pack import Missing, MissingPart, Pack
from exchange.coordination.meetings.pack.regional_pack import read_pack_files, regional_pack
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.errors import InvalidInput
from exchange.flows.log.signed_checkpoint import sign_head
from schemas.vocabulary import MeetingKind
from tests.exchange.coordination.meetings.pack.sent import Files, Sent
from tests.exchange.coordination.meetings.test_held_meetings import LOCAL
from tests.exchange.coordination.region.region_world import BY_HEAD, CODES, H1, H2, HEAD

pytestmark = pytest.mark.slow


def made(files: Files, keys: DeskKeys) -> Pack:
    return regional_pack(read_pack_files(files, keys.who, keys.key), H2, keys, shipped_indicators())


def exact_half(sent: Sent, code: str) -> RestrictedHalf:
    found = figures_of(sent.world.nodes[code], H2).exact
    assert found is not None
    return found


def codes_of(pack: Pack) -> set[tuple[str, str]]:
    return {(item.file, item.code) for item in pack.refused}


def test_with_the_key_its_figures_are_the_truth_and_are_compared(sent: Sent) -> None:
    pack = made(sent.all, sent.keys)
    assert not pack.refused
    assert pack.restricted
    assert pack.jurisdictions == CODES
    assert pack.figures is not None
    assert pack.figures.approved
    truth = sent.world.settled(datetime(2027, 1, 1, tzinfo=UTC))
    for half, figures in ((H2, pack.figures.now), (H1, pack.figures.earlier[0].figures)):
        for name in ("leads", "confirmed_hits"):
            across = sum(count for key, count in truth.counts[str(half), name].items() if "-" in key)
            assert figures[f"{name}_across"] == exact(across)
    assert pack.figures.baseline is pack.figures.of(H1)
    assert set(dict(pack.purposes).values()) == {"The region's half-yearly meeting"}


def test_overdue_work_is_exact_with_the_key_and_a_band_without(sent: Sent) -> None:
    with_key, without = made(sent.all, sent.keys), made(sent.all, sent.without_key)
    assert not without.restricted
    assert not without.purposes
    exact_counts = {(item.one, item.other, item.kind): item.count for item in with_key.overdue}
    assert len(exact_counts) == 2 * len(CODES) * (len(CODES) - 1)
    for (one, other, kind), count in exact_counts.items():
        assert count == exact_half(sent, one).count(kind, other)
    bands = {(item.one, item.other, item.kind): item.band for item in without.overdue}
    assert all(item.count is None for item in without.overdue)
    assert bands == {key: overdue_band(count, 5) for key, count in exact_counts.items()}
    assert len(set(bands.values())) > 1, "the world has both"


def test_meetings_add_up_and_are_compared_with_those_before(sent: Sent) -> None:
    pack = made(sent.all, sent.keys)
    held = [item.held[MeetingKind.TRAINING] for item in pack.inputs]
    assert (sum(item.meetings for item in held), sum(item.people for item in held)) == (5, 55)
    before = [found[MeetingKind.TRAINING] for found in pack.held_before.values()]
    assert (sum(item.meetings for item in before), sum(item.people for item in before)) == (2, 22)


def test_actions_are_carried_on_until_they_are_closed(sent: Sent) -> None:
    pack = made(sent.all, sent.keys)
    assert Counter(item.number for item in pack.open_actions) == Counter({"A-2026-1": 2, "A-2026-2": 1, "A-2026-4": 1})
    assert [item.overdue for item in pack.open_actions] == [True, True, False, False]
    assert [(item.issuer, item.number) for item in pack.closed_actions] == [("ffp-al", "A-2026-3")]


def test_what_is_missing_is_named(sent: Sent) -> None:
    without_bosnia = [item for item in sent.all if "-ba-" not in item[0]]
    pack = made(without_bosnia, sent.keys)
    assert Missing(MissingPart.SIDE, "BA") in pack.missing
    assert Missing(MissingPart.SNAPSHOT, "ME") in pack.missing
    assert Missing(MissingPart.ANNEX, "MK") in pack.missing
    assert Missing(MissingPart.ANNEX, "RS") not in pack.missing
    complete = made(sent.all, sent.keys)
    assert Missing(MissingPart.LAW, "BA") in complete.missing
    assert Missing(MissingPart.MEETINGS, "BA") in complete.missing
    assert not any(
        item.part in (MissingPart.SIDE, MissingPart.REPORT, MissingPart.BASELINE) for item in complete.missing
    )
    alone = made(sent.files["2026H2"], sent.keys)
    assert Missing(MissingPart.BASELINE) in alone.missing
    assert {item.jurisdiction for item in alone.missing if item.part is MissingPart.INPUTS} == set(CODES)
    inputs_alone = made(sent.files["inputs 2026H2"], sent.keys)
    assert inputs_alone.figures is None
    assert {item.jurisdiction for item in inputs_alone.missing if item.part is MissingPart.REPORT} == set(CODES)
    with pytest.raises(InvalidInput, match="so there is no pack"):
        made(sent.files["2026H1"], sent.keys)


def changed_inputs(data: bytes, change: Callable[[dict[str, object]], None]) -> bytes:
    file = json.loads(data)
    fields = json.loads(base64.b64decode(file["document"]))
    change(fields)
    file["document"] = base64.b64encode(json.dumps(fields).encode()).decode()
    return json.dumps(file).encode()


def test_a_forged_an_unapproved_a_doubled_and_an_unknown_file_are_refused_by_name(sent: Sent) -> None:
    good = dict(sent.files["inputs 2026H2"])
    serbia = good["inputs-rs-2026H2.json"]

    def without_actions(fields: dict[str, object]) -> None:
        fields["actions"] = []

    draft = draft_inputs(sent.world.nodes["RS"], H2).data
    pack = made(
        [
            *sent.all,
            ("changed.json", changed_inputs(serbia, without_actions)),
            ("draft.json", draft),
            ("again.json", serbia),
            ("noise.json", b'{"format": "ffp-approved-document/1", "document": 7}'),
            (
                "other-proof.json",
                json.dumps(
                    {**json.loads(serbia), "proof": json.loads(good["inputs-mk-2026H2.json"])["proof"]}
                ).encode(),
            ),
        ],
        sent.keys,
    )
    assert codes_of(pack) == {
        ("changed.json", "forged"),
        ("draft.json", "unapproved"),
        ("again.json", "doubled"),
        ("noise.json", "no-report"),
        ("other-proof.json", "forged"),
    } or codes_of(pack) == {
        ("changed.json", "forged"),
        ("draft.json", "unapproved"),
        ("inputs-rs-2026H2.json", "doubled"),
        ("noise.json", "no-report"),
        ("other-proof.json", "forged"),
    }
    assert len(pack.sides) == len(CODES)
    stranger = read_pack_files(sent.files["inputs 2026H2"], Believed(fingerprints=sent.world.fingerprints()[1:]))
    assert [(item.file, item.code) for item in stranger.refused] == [("inputs-al-2026H2.json", "unknown-identity")]


def test_a_files_words_that_reorder_a_line_are_told_by_their_code(sent: Sent) -> None:
    pack = made([*sent.all, ("a\u202ejson.exe.json", b"{}")], sent.keys)
    [item] = pack.refused
    assert "\u202e" not in item.file


def test_what_a_head_approved_last_counts(sent: Sent) -> None:
    node = sent.world.nodes["MK"]
    before = dict(sent.files["inputs 2026H2"])["inputs-mk-2026H2.json"]
    enter_meeting(node, BY_HEAD, LOCAL)
    kept = approved_inputs(node, H2)
    assert kept is not None
    assert not kept.still(draft_inputs(node, H2).inputs)
    approve_inputs(node, HEAD, H2, draft_inputs(node, H2).sha256, "Once more, after the meeting.")
    sign_head(node)
    later = signed_inputs(node, H2)
    pack = made([*sent.all, ("later.json", later)], sent.keys)
    assert codes_of(pack) == {("inputs-mk-2026H2.json", "older-inputs")}
    [inputs] = [item for item in pack.inputs if item.jurisdiction == "MK"]
    assert LOCAL.title in {meeting.title for meeting in inputs.meetings}
    assert before != later
