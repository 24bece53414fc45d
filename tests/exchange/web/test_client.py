"""docs/client.md, run as it stands there: a client made from the description, used against a real node.

What the generator cannot read it leaves out, with a warning: each is a fault of the description, and fails here.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import httpx
import pytest

from exchange.web.openapi import openapi_document
from schemas.vocabulary import Role
from tests.exchange.running_nodes import DONE_S, KEPT_S, RunningNode
from tests.exchange.web.conftest import problem, tiny_scan

pytestmark = pytest.mark.slow

GENERATOR = Path(sys.prefix) / "client"
"""Where `make install-tests` puts the generator, with all that it needs, apart from what it is tried on."""
PAGE = Path(__file__).parents[3] / "docs/client.md"


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S))


def run(command: list[str], folder: Path, **environment: str) -> str:
    """What it printed. It must succeed."""
    tools = os.pathsep.join([f"{GENERATOR}/bin", str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": tools, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def made(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the page's command made the package."""
    folder = tmp_path_factory.mktemp("client")
    said = run(["bash", "-euc", blocks("sh")], folder, URL=node.url, PYTHONPATH=str(GENERATOR))
    assert "arning" not in said, said
    return folder


@pytest.fixture(scope="module")
def part(made: Path) -> Iterator[Callable[[str], Any]]:
    """A module of the package, by its name within."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(made))
        yield lambda name: importlib.import_module(f"ffp_client.{name}" if name else "ffp_client")
        for name in [name for name in sys.modules if name.partition(".")[0] == "ffp_client"]:
            patched.delitem(sys.modules, name)


@pytest.fixture(scope="module")
def client(node: RunningNode, part: Callable[[str], Any]) -> Iterator[Any]:
    """An examiner's."""
    limits = httpx.Limits(keepalive_expiry=KEPT_S)
    made = part("").AuthenticatedClient(
        base_url=node.url, token=node.tokens[Role.EXAMINER], timeout=60, httpx_args={"limits": limits}
    )
    with made:
        yield made


def test_the_page_does_what_it_says(node: RunningNode, made: Path, scans: dict[str, Path]) -> None:
    (made / "scan-0.x3p").write_bytes(scans["3-1"].read_bytes())
    told = run(
        [sys.executable, "-c", blocks("python")], made, URL=node.url, TOKEN=node.tokens[Role.EXAMINER], PYTHONPATH=""
    )
    statement_id, read, *found, refused = told.splitlines()
    assert re.fullmatch("[0-9a-f]{64}", statement_id)
    assert read == "9 mm Luger not_examined"
    assert len(found) == 1
    assert re.fullmatch(r"RS-2026-0817 Serbia \d{4}-\d\d-\d\d", found[0])
    assert refused.startswith("404 urn:ffp:problem:not-found There is no record")


def test_each_operation_is_a_function_with_a_typed_answer(made: Path, part: Callable[[str], Any]) -> None:
    for methods in json.loads(openapi_document())["paths"].values():
        for operation in methods.values():
            name, [tag] = operation["operationId"], operation["tags"]
            typed = part(f"api.{tag}.{name}")
            [answers] = get_args(typed.sync_detailed.__annotations__["return"])
            forms = set(get_args(answers)) - {Any}
            assert part("models").Problem in forms, name
            assert (len(forms) == 1) == ("204" in operation["responses"]), "an answer without content has no form"
    modules = [path.stem for path in (made / "ffp_client/models").glob("*.py") if path.stem != "__init__"]
    assert len(modules) > 100
    for name in modules:
        assert isinstance(part(f"models.{name}"), ModuleType)


def submission(models: Any, *, case: str, **changes: Any) -> Any:
    scan = models.SubmittedAcquisition(
        roi=models.RegionOfInterest.BREECH_FACE, modality=models.Modality.TOPOGRAPHY, file="scan"
    )
    stated = {
        "case_reference": case,
        "exhibit": models.Exhibit(kind=models.ExhibitKind.CRIME_SCENE, calibre=models.Calibre.LUGER_9MM),
        "acquisitions": [scan],
        "handling": models.Handling(code=models.HandlingCode.H0),
        "retention_until": date(2036, 12, 31),
    }
    return models.Submission(**stated | changes)


def submitted(part: Callable[[str], Any], client: Any, content: bytes, **stated: Any) -> Any:
    models = part("models")
    form = models.SubmitRecordBody(metadata=submission(models, **stated))
    form["scan"] = part("types").File(payload=io.BytesIO(content), file_name="scan.x3p")
    return part("api.records.submit_record").sync(client=client, body=form)


def test_a_record_comes_back_as_it_was_stated(part: Callable[[str], Any], client: Any) -> None:
    models, content = part("models"), tiny_scan()
    first = submitted(part, client, content, case="RS-CLIENT-1")
    again = submitted(part, client, content, case="RS-CLIENT-1")
    assert isinstance(first, models.ReceiptAnswer)
    assert (first.created, again.created, again.statement_id) == (True, False, first.statement_id)

    record = part("api.records.read_record").sync(first.statement_id, client=client)
    assert isinstance(record.statement, models.Record)
    assert record.statement.exhibit.calibre is models.Calibre.LUGER_9MM
    assert record.statement.retention_until == date(2036, 12, 31)
    sha256 = record.statement.acquisitions[0].blob.sha256
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert part("api.records.read_blob").sync(sha256, client=client).payload.read() == content

    read = part("api.records.read_envelope").sync_detailed(first.statement_id, client=client)
    assert len(read.parsed.signatures) == 2
    tag = read.headers["etag"]
    kept = part("api.records.read_envelope").sync_detailed(first.statement_id, client=client, if_none_match=tag)
    assert (kept.status_code, kept.parsed) == (304, None)


def test_a_search_goes_on_page_by_page(part: Callable[[str], Any], client: Any) -> None:
    models = part("models")
    sent = [submitted(part, client, tiny_scan(), case="RS-CLIENT-2").statement_id for _ in range(3)]
    asked = {"case_reference": "RS-CLIENT-2", "kind": models.ExhibitKind.CRIME_SCENE}
    found, cursor = [], part("types").UNSET
    while cursor is not None:
        page = part("api.records.search_records").sync(client=client, limit=2, cursor=cursor, **asked)
        assert isinstance(page, models.RecordPage), page
        found += [item.statement_id for item in page.items]
        cursor = page.next_
    assert found == sent[::-1]
    none = part("api.records.search_records").sync(client=client, calibre="9 mm Makarov", case_reference="RS-CLIENT-2")
    assert none.items == []


def test_candidates_are_read_and_concluded_on(part: Callable[[str], Any], client: Any, scans: dict[str, Path]) -> None:
    models = part("models")
    submitted(part, client, scans["1-1"].read_bytes(), case="RS-CLIENT-3")
    last = submitted(part, client, scans["1-2"].read_bytes(), case="RS-CLIENT-4")
    candidates = part("api.candidates.list_candidates_of_record")
    deadline = time.monotonic() + DONE_S
    while (page := candidates.sync(last.statement_id, client=client)).pending:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    cases = {"RS-CLIENT-3", "RS-CLIENT-4"}
    [best] = [item for item in page.items if {item.record.case_reference, item.other.case_reference} == cases]

    detail = part("api.candidates.read_candidate").sync(best.candidate_id, client=client)
    assert "identifies nothing" in detail.note
    assert detail.comparison.to_dict()
    picture = part("api.candidates.read_candidate_picture").sync(best.candidate_id, client=client)
    assert picture.payload.read().startswith(b"\x89PNG\r\n")

    read = part("api.records.read_record")
    names = sorted((best.record.statement_id, best.other.statement_id))
    records = {name: read.sync(name, client=client).statement for name in names}
    sides = [
        models.Side(said.issuer, name, said.first_version or name, said.acquisitions[0].blob.sha256)
        for name, said in records.items()
    ]
    draft = models.ConclusionDraft(
        type_="conclusion",
        pair=models.Pair(*sides),
        result=models.ScreenResult("screen", models.ScreenConclusion.INCONCLUSIVE),
    )
    said = part("api.statements.say_statement").sync(client=client, body=draft)
    assert isinstance(said, models.SpokeAnswer)
    read_statement = part("api.statements.read_statement").sync(said.statement_id, client=client)
    assert isinstance(read_statement.statement, models.Conclusion)
    assert read_statement.statement.result == draft.result
    assert read_statement.statement.pair.a.record == sides[0].record
    bundle = part("api.candidates.read_pair_bundle")
    while isinstance(given := bundle.sync(best.candidate_id, client=client), models.Problem):
        assert given.status == 409, "no head that covers the conclusion is signed yet"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "contents.json" in zipfile.ZipFile(given.payload).namelist()


def test_what_is_refused_is_a_problem(node: RunningNode, part: Callable[[str], Any], client: Any) -> None:
    models = part("models")
    refused = submitted(part, client, b"no scan", case="RS-CLIENT-5")
    assert isinstance(refused, models.Problem)
    assert (refused.status, refused.type_) == (415, "urn:ffp:problem:unsupported-media")
    assert [(place.where, bool(place.what)) for place in refused.problems] == [("scan", True)]
    with part("").AuthenticatedClient(base_url=node.url, token="none") as nobody:
        unknown = part("api.records.search_records").sync_detailed(client=nobody)
    assert (unknown.status_code, unknown.parsed.type_) == (401, "urn:ffp:problem:unauthenticated")


@pytest.mark.parametrize("step", [{}, []])
def test_a_draft_of_any_form_is_refused_in_words(node: RunningNode, step: object) -> None:
    """What no client made from the description sends."""
    problem(node.post("/v1/statements", {"type": "physical-comparison", "step": step}), 422, "invalid-field")


def test_a_firearm_is_entered_changed_and_removed(part: Callable[[str], Any], client: Any) -> None:
    models = part("models")
    stated = models.Firearm(
        firearm_id="F-CLIENT/1", kind=models.FirearmKind.PISTOL, calibre=models.Calibre.LUGER_9MM, make="Zastava"
    )
    entered = part("api.firearms.enter_firearm").sync(
        client=client, body=models.FirearmEntered(firearm=stated, serial_number="synthetic 4712")
    )
    assert (entered.firearm.firearm_id, entered.serial_number) == ("F-CLIENT/1", "synthetic 4712")
    seen = part("api.firearms.read_firearm").sync("F-CLIENT/1", client=client)
    stated.model = "CZ 99"
    changed = part("api.firearms.change_firearm").sync(
        "F-CLIENT/1", client=client, body=models.FirearmChanged(firearm=stated, seen=seen.changed_at)
    )
    assert (changed.firearm.model, changed.serial_number) == ("CZ 99", None)
    gone = part("api.firearms.delete_firearm").sync_detailed("F-CLIENT/1", client=client)
    assert gone.status_code == 204
    assert isinstance(part("api.firearms.read_firearm").sync("F-CLIENT/1", client=client), models.Problem)
