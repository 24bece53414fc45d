"""``ffp region``: a key, reports in, one report of the region out; nothing of it needs a node."""

from __future__ import annotations

import asyncio
import json
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from exchange.coordination.desk.desk_app import desk_app
from exchange.coordination.desk.pack_desk import PackDesk
from exchange.coordination.exercises.exercise_counts import write_counts
from exchange.coordination.meetings.pack.approve_inputs import approve_inputs, draft_inputs, signed_inputs
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region_files.recipient import read_recipient, read_recipient_key
from exchange.coordination.region_files.report_file import Believed, DeskKeys
from exchange.flows.log.signed_checkpoint import sign_head
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.coordination.meetings.pack.made_up_counts import PAIRS, counted, made_up_counts
from tests.exchange.coordination.region.region_world import H1, HEAD, RegionWorld, start_of_2026

pytestmark = pytest.mark.slow
PORT = 8460


def test_from_the_key_to_the_regional_report(ffp: Ffp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, out, inbox = tmp_path / "keys", tmp_path / "report", tmp_path / "inbox"
    assert ffp("region", "key", "--name", "Regional coordination (made up)", "--out", keys).code == 0
    assert stat.S_IMODE((keys / "region.key").stat().st_mode) == 0o600
    assert "not empty" in refusal(ffp("region", "key", "--name", "Again", "--out", keys))

    clock = start_of_2026()
    monkeypatch.setattr("exchange.clock.now", clock)
    world = RegionWorld(tmp_path / "nodes", clock, 3)
    world.receipts()
    pairs = [(world.enter("RS", to=["MK"]), world.enter("MK", to=["RS"])) for _ in range(6)]
    for one, other in pairs:
        world.at(datetime(2026, 3, 1, tzinfo=UTC))
        world.lead(("RS", one), ("MK", other))
    world.at(datetime(2026, 7, 9, tzinfo=UTC))
    world.approve(H1)
    world.recipient = read_recipient_key((keys / "region.key").read_bytes(), None)
    assert world.recipient.recipient == read_recipient((keys / "recipient.json").read_bytes())
    inbox.mkdir()
    for name, data in world.files(H1):
        (inbox / name).write_bytes(data)
    good = sorted(inbox.glob("*.json"))
    (inbox / "rs-forged.json").write_bytes(good[4].read_bytes().replace(b'"period": "2026H1"', b'"period": "2026H2"'))
    known = [word for digits in world.fingerprints() for word in ("--fingerprint", digits)]
    asked = ("region", "combine", "--half", "2026H1", "--out", out, "--key", keys / "region.key", *known)

    assert "--half 2026H2, or --year 2026" in refusal(ffp("region", "combine", *good, "--out", out))
    made = ffp(*asked, *good)
    assert made.code == 0, made.err
    report = json.loads((out / "region-2026H1-restricted.json").read_bytes())
    leads = next(item for item in report["figures"] if item["id"] == "leads")
    assert leads["cells"]["MK-RS"] == {"told": "exact", "value": 6.0} or leads["cells"]["MK-RS"]["value"] == 6
    assert leads["across"]["value"] == 6, "of two sides, counted once"
    assert (leads["goal"], leads["kpi_2030"], leads["verified"]) == (3, None, False)
    assert stat.S_IMODE((out / "region-2026H1-restricted.json").stat().st_mode) == 0o600
    assert (out / "region-2026H1-public.pdf").read_bytes().startswith(b"%PDF-")
    assert KOSOVO_FOOTNOTE in (out / "region-2026H1-public.csv").read_text(encoding="utf-8-sig")
    assert KOSOVO_FOOTNOTE in (out / "region-2026H1-public-periods.svg").read_text(encoding="utf-8")

    _published(ffp, tmp_path / "site", [*good, out], inbox / "rs-forged.json", known)

    refused = ffp(*asked, *good, inbox / "rs-forged.json")
    assert refused.code == 1
    assert "rs-forged.json, of ffp-rs, refused (forged)" in refused.err
    bare = known[1].partition("=")[2]
    unnamed = refusal(ffp("region", "combine", *good, "--half", "2026H1", "--out", out, "--fingerprint", bare))
    assert '--fingerprint "ffp-rs=12345 ..."' in unnamed
    without = ffp("region", "combine", *good, "--half", "2026H1", "--out", out, "--no-pdf")
    assert without.code != 0
    assert without.err.count("unknown-identity") == 6
    not_before = ffp(*asked, "--no-pdf", *good, "--held-against", good[4])
    assert not_before.code == 1
    assert "rs.json, of ffp-rs, refused (other-period)" in not_before.err
    assert "is to be held against what was told before" in not_before.err
    later = ffp(*asked, "--earlier", out / "region-2026H1-restricted.json", *good)
    assert "must be of before 2026H1" in refusal(later)

    node = world.nodes["RS"]
    draft = draft_inputs(node, H1)
    approve_inputs(node, HEAD, H1, draft.sha256, "To the coordinator.")
    sign_head(node)
    (inbox / "inputs-rs.json").write_bytes(signed_inputs(node, H1))
    folder = tmp_path / "pack"
    packed = ("region", "pack", *good, inbox / "inputs-rs.json", "--half", "2026H1", "--out", folder, *known)
    told = ffp(*packed, "--key", keys / "region.key", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["restricted"]
    assert stat.S_IMODE((folder / "pack-region-2026H1-restricted-en.pdf").stat().st_mode) == 0o600
    without_key = ffp(*packed, "--language", "mk")
    assert without_key.code == 0
    assert (folder / "pack-region-2026H1-public-mk.pdf").exists()
    counts = [tmp_path / "one.json", tmp_path / "other.json"]
    for path, one in zip(counts, (PAIRS, counted(PAIRS, {"AL": 3}, right=9)), strict=True):
        path.write_bytes(write_counts(made_up_counts(one, half="2026H1")))
    practised = ("--exercises", counts[0], "--exercises", counts[1])
    assert ffp(*packed, "--no-pdf", *practised).code == 0
    told_of = (folder / "pack-region-2026H1-public-en-exercises-examiner.csv").read_text(encoding="utf-8-sig")
    assert "Two firearms that look alike,Right,39,45" in told_of
    assert "one.json: It is the same as one.json" in refusal(ffp(*packed, "--no-pdf", *practised, *practised))
    (inbox / "inputs-draft.json").write_bytes(draft.data)
    some = ffp(*packed, inbox / "inputs-draft.json", "--no-pdf")
    assert some.code == 1
    assert "inputs-draft.json, of nobody known, refused (unapproved)" in some.err

    asyncio.run(_at_the_desk(world, inbox))
    world.close()


def _published(ffp: Ffp, site: Path, given: list[Path], forged: Path, known: list[str]) -> None:
    made = ffp("region", "publish", site, *given, *known)
    assert made.code == 0, made.err
    assert "region-2026H1-restricted.json is for named recipients alone: it was not read." in made.err
    assert "held back" not in made.err, "the folder has the regional report"
    assert KOSOVO_FOOTNOTE in (site / "en" / "hits.html").read_text(encoding="utf-8")
    assert stat.S_IMODE((site / "mk" / "hits.html").stat().st_mode) == 0o644
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert ffp("region", "publish", site, *given, *known, "--half", "2026H1").code == 0
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before, "the same bytes again"

    refused = ffp("region", "publish", site, *given, forged, *known)
    assert refused.code == 1
    assert "rs-forged.json, of ffp-rs, refused (forged)" in refused.err
    assert "No report of 2026H2" in refusal(ffp("region", "publish", site, *given, *known, "--half", "2026H2"))
    assert "with --year" in refusal(ffp("region", "publish", site, *given, *known, "--half", "2026"))
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before
    (site / "mine.txt").write_text("mine")
    assert "mine.txt" in refusal(ffp("region", "publish", site, *given, *known))


async def _at_the_desk(world: RegionWorld, inbox: Path) -> None:
    believed = Believed(fingerprints=world.fingerprints())
    app = desk_app(PackDesk(inbox, DeskKeys(believed, world.recipient), shipped_indicators()), PORT)
    transport, address = httpx.ASGITransport(app), f"http://127.0.0.1:{PORT}"
    async with httpx.AsyncClient(transport=transport, base_url=address, follow_redirects=True) as person:
        assert (await person.get("/")).status_code == 403, "whoever has not the address that the command said"
        person.base_url = httpx.URL(f"{address}{app.state.base}")
        assert (await person.get("/", headers={"host": "evil.example"})).status_code == 421
        shown = await person.get("/")
        assert shown.status_code == 200
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert "forged" in shown.text
        assert "/report/2026H1" in shown.text
        assert KOSOVO_FOOTNOTE in shown.text
        report = await person.get("/report/2026H1")
        assert report.status_code == 200
        assert "Leads" in report.text
        assert "KPI number not entered; unverified" in report.text
        assert "rs-forged.json" in report.text
        table = await person.get("/report/2026H1/region-2026H1-restricted.csv")
        assert table.headers["content-type"].startswith("text/csv")
        assert (await person.get("/report/2026H1/../../etc/passwd")).status_code in (404, 422)
        assert "Inputs of the meeting pack" in shown.text
        assert "inputs-draft.json" in shown.text
        pack = await person.get("/pack/2026H1")
        assert "What is asked" in pack.text
        assert "inputs-draft.json" in pack.text, "what is refused is named"
        assert KOSOVO_FOOTNOTE in pack.text
        assert "Counts of exercises" not in shown.text
        await _with_exercises(person, shown.text)
        paper = await person.get("/pack/2026H1/pack-region-2026H1-restricted-en.pdf")
        assert paper.content.startswith(b"%PDF-")
        sheet = await person.get("/pack/2026H1/pack-region-2026H1-restricted-en-key-figures.csv")
        assert sheet.headers["content-type"].startswith("text/csv")
        assert (await person.get("/pack/2026H1/other.pdf")).status_code == 422
        assert (await person.get("/pack/2020H1")).status_code == 422
        csrf = shown.text.split('name="csrf" value="')[1].split('"')[0]
        again = (inbox / "rs.json").read_bytes()
        sent = {"file": ("../rs.json", again, "application/json")}
        assert (await person.post("/files", data={"csrf": "0"}, files=sent)).status_code == 422
        assert (await person.post("/files", data={"csrf": csrf}, files=sent)).status_code == 200
        assert (inbox / "rs-2.json").read_bytes() == again
        assert "doubled" in (await person.get("/report/2026H1")).text
        (await person.post("/files/take-away", data={"csrf": csrf, "name": "rs-2.json"}))
        assert not (inbox / "rs-2.json").exists()
        assert (await person.post("/files/take-away", data={"csrf": csrf, "name": "../x.json"})).status_code == 422
        (await person.post("/language", data={"csrf": csrf, "language": "sq", "back": "/"}))
        assert '<html lang="sq">' in (await person.get("/")).text


async def _with_exercises(person: httpx.AsyncClient, page: str) -> None:
    """Counts of exercises are put in by the same form; the pack of their half-year has their section."""
    csrf = re.findall(r'name="csrf" value="([0-9a-f]{64})"', page)[0]
    counts = write_counts(made_up_counts(PAIRS, half="2026H1"))
    section = "/pack/2026H1/pack-region-2026H1-restricted-en-exercises.csv"
    assert "counts of exercises" in page, "the form says what it takes"
    assert (await person.get(section)).status_code == 422
    files = [
        ("file", (name, content, "application/json"))
        for name, content in (("counts.json", counts), ("twice.json", counts), ("broken.json", counts[:-5]))
    ]
    put = await person.post("/files", data={"csrf": csrf}, files=files)
    assert put.status_code == 200
    listed = put.text.partition("Counts of exercises")[2]
    assert re.search(
        r'counts\.json</th>\s*<td>2026H1</td><td class="number"><span[^>]*>People</span>3</td><td>read</td>', listed
    )
    assert "These are no counts of exercises" in listed
    assert "counts.json" not in put.text.partition("Counts of exercises")[0], "they are no report that is refused"
    pack = await person.get("/pack/2026H1")
    assert "twice.json" in pack.text
    assert "it would count twice" in pack.text
    assert PAIRS.set_id in (await person.get(section)).text
    for name in ("counts.json", "twice.json", "broken.json"):
        await person.post("/files/take-away", data={"csrf": csrf, "name": name})
    assert (await person.get(section)).status_code == 422
