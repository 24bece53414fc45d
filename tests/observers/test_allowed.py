"""The list of what may differ, in code and in the threat model; and that a transcript hides nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import httpx
import pytest

from tests.observers.allowed import ALLOWED, Allowed
from tests.observers.mutants import Mutant, always
from tests.observers.secrets_of_records import Withheld
from tests.observers.seen.peer import observe_as_peer
from tests.observers.seen.transcript import Line, Names, differences, transcript
from tests.observers.seen.wire import Exchange

THREATS = Path(__file__).parents[2] / "docs" / "threat-model.md"
HEADING = "## What observers may see differ"
ONE, OTHER = (hashlib.sha256(word).hexdigest() for word in (b"one", b"other"))


def exchange(body: str, kind: str = "application/json", path: str = "/v1/lane") -> Exchange:
    request = httpx.Request("GET", f"http://rs.test{path}")
    return Exchange("ffp-mk", request, httpx.Response(200, text=body, headers={"content-type": kind}))


def test_the_list_stands_in_the_threat_model_with_the_same_reasons() -> None:
    section = THREATS.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    head, *written = re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", section, re.MULTILINE)
    assert head == ("what", "why")
    assert written == ([(entry.name, entry.reason) for entry in ALLOWED] or [("nothing", "at present")])


def test_hashes_are_named_by_first_sight() -> None:
    first = transcript([exchange(f'["{ONE}", "{OTHER}", "{ONE}"]')], [])
    again = transcript([exchange(f'["{OTHER}", "{ONE}", "{OTHER}"]')], [])
    mixed = transcript([exchange(f'["{OTHER}", "{ONE}", "{ONE}"]')], [])
    assert not differences(first, again)
    assert differences(first, mixed)


def test_what_was_told_is_not_renamed() -> None:
    first = transcript([exchange(f'["{ONE}"]')], [ONE, OTHER])
    assert differences(first, transcript([exchange(f'["{OTHER}"]')], [ONE, OTHER]))


@pytest.mark.parametrize("words", ["identification", "inconclusive (b)"])
def test_no_name_covers_what_an_envelope_says(words: str) -> None:
    sealed = base64.b64encode(f'{{"conclusion": "{words}", "padding": "Some more of it, 123."}}'.encode()).decode()
    twice = base64.b64encode(f'{{"payload": "{sealed}"}}'.encode()).decode()
    assert words in transcript([exchange(f'{{"envelope": "{twice}"}}')], [])[0].came


def test_the_same_digest_has_one_name_in_hex_and_in_base64() -> None:
    names = Names()
    assert names.text(ONE) == names.text(base64.b64encode(bytes.fromhex(ONE)).decode()).removesuffix("(32 bytes)")


def test_a_digest_without_a_digit_in_base64_is_named() -> None:
    assert Names().text("FqUPOzVzfldQTeTwvftgVi/aGEQBrJPknCPfvHpvu+k=") == "#1(32 bytes)"


def test_an_address_is_no_digest() -> None:
    address = "/app/cases/RS/RS20261xxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    assert Names().text(f'href="{address}"') == f'href="{address}"'


def test_a_signature_in_which_an_address_stands_by_chance_is_named() -> None:
    signature = "kdsNCMQiAGKIHy9JN8Cy0ss3thJtoEd" + "/v1/" + "AOndhCrbiP+5XtadqWMFMwSe4zv783xeacMpIgRfK5YE"
    assert Names().text(signature) == "#1(59 bytes)"


def test_a_digest_in_an_address_is_named() -> None:
    asked = transcript([exchange("{}", path=f"/v1/blobs/{ONE}")], [])[0].asked
    assert asked.endswith("/v1/blobs/#1")


def test_what_is_allowed_is_masked_where_it_was_asked_for_and_nowhere_else() -> None:
    entry = Allowed("size", "Any.", asked="/v1/lane", told=r'"count":\d+')
    lines = [transcript([exchange(f'{{"count":{n}}}')], [], [entry]) for n in (1, 2)]
    assert not differences(*lines)
    elsewhere = [transcript([exchange(f'{{"count":{n}}}', path="/v1/node")], [], [entry]) for n in (1, 2)]
    assert differences(*elsewhere)


def test_what_only_one_world_leads_to_is_a_difference() -> None:
    lines = [Line("a", "1"), Line("b", "2")]
    assert differences(lines, lines[:1])
    assert not differences(lines, list(lines))


def test_a_mutant_of_what_is_not_there_any_more_fails() -> None:
    gone = Mutant("gone", "exchange.flows.sync.serve_lane:no_such_function", always(None), Withheld, observe_as_peer)
    with pytest.raises(AttributeError), gone.applied():
        pass
