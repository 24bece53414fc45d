"""The registry names jurisdictions in a field that the signatures cover and a release of before passes over."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.cli.keys.root_words import plain_round, round_lines
from exchange.errors import InvalidInput, RootInvalid
from exchange.jurisdictions.directory import shipped_directory
from exchange.jurisdictions.jurisdiction_entry import entries_in
from exchange.trust.ceremony import open_proposal
from exchange.trust.registry import (
    JURISDICTIONS_FIELD,
    RegisteredNode,
    RoundFiles,
    Trust,
    parse_registry,
    verify_rounds,
)
from schemas.jurisdiction import Jurisdiction
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.jurisdictions.croatia import HR, croatia, entry
from tests.exchange.trust.rounds import RS, SIX, Capitals, content_of, forged, new_signer, rounds_of


def node(node_id: str, jurisdiction: Jurisdiction) -> RegisteredNode:
    identity = new_signer().keys.public
    url = f"https://{node_id}.example"
    return RegisteredNode(node_id=node_id, jurisdiction=jurisdiction, url=url, identity=identity)


@pytest.fixture(scope="module")
def capitals() -> Capitals:
    return Capitals()


@pytest.fixture(scope="module")
def named(capitals: Capitals) -> Trust:
    """A round that names Croatia beside a node of Serbia."""
    return capitals.round(nodes=[node("ffp-rs", RS)], jurisdictions=croatia())


def test_whoever_verifies_the_round_knows_the_ninth(named: Trust) -> None:
    known = verify_rounds(rounds_of(named)).registry.directory
    assert known.name("HR", "mk") == "Хрватска"
    assert known.entries[HR].clock == "Europe/Zagreb"
    assert known.source == "round 1 of the trust root"
    assert set(known) == {*shipped_directory(), HR}


def test_without_the_field_there_are_the_eight(capitals: Capitals) -> None:
    trust = capitals.round()
    assert JURISDICTIONS_FIELD not in content_of(trust.registry.raw)
    assert trust.registry.directory is shipped_directory()


def test_the_signatures_cover_the_names(named: Trust) -> None:
    altered = named.registry.raw.replace(b'"Croatia"', b'"Kroatia"')
    assert altered != named.registry.raw
    with pytest.raises(RootInvalid) as refused:
        verify_rounds([RoundFiles(named.root.raw, altered)])
    assert refused.value.code == "too-few-signatures"


def test_a_registry_alone_renames_one_of_the_eight(capitals: Capitals) -> None:
    renamed = entries_in({"MD": entry(names={"en": "Moldova"}, languages=["ro"], clock="Europe/Chisinau")}, "a test")
    known = capitals.round(jurisdictions=renamed).registry.directory
    assert (known.name("MD"), len(list(known))) == ("Moldova", 8)


@pytest.mark.parametrize(
    "stated",
    [
        None,
        [],
        {},
        "HR",
        {"hr": entry()},
        {"HR": entry(names={"hr": "Hrvatska"})},
        {"HR": entry(names={"en": "Cro\natia"})},
        {"HR": entry(clock="/etc/localtime")},
        {"HR": entry(names={"en": "Croatia*"})},
        {"HR": entry(names={"en": "C" * 90_000})},
        {f"{a}{b}": entry() for a in "ABCDEFGHI" for b in "ABCDEFGH"},
    ],
)
def test_a_field_out_of_order_is_refused_however_well_signed(capitals: Capitals, named: Trust, stated: object) -> None:
    content = content_of(named.registry.raw) | {JURISDICTIONS_FIELD: stated}
    with pytest.raises(RootInvalid) as refused:
        verify_rounds([RoundFiles(named.root.raw, forged(content, capitals.held.values()))])
    assert refused.value.code == "wrong-entry"
    assert JURISDICTIONS_FIELD in str(refused.value)


def test_a_jurisdiction_twice_is_no_json_that_is_read(named: Trust) -> None:
    twice = named.registry.raw.replace(b'"HR": {', b'"HR": {}, "HR": {')
    assert twice != named.registry.raw
    with pytest.raises(RootInvalid) as refused:
        parse_registry(twice)
    assert refused.value.code == "duplicate-key"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"clock": "Europe/Nowhere"}, "no time zone"),
        ({"names": {"en": "Croatia", "de": "Kroatien"}}, "in de"),
        ({"names": {"en": "Albania"}}, "AL and HR have one name"),
    ],
)
def test_what_a_later_release_may_know_is_not_proposed_and_not_signed_here_but_a_signed_round_stays_good(
    capitals: Capitals, named: Trust, changes: dict[str, Any], told: str
) -> None:
    """Two machines with other time zones must not disagree on which round is signed."""
    with pytest.raises(RootInvalid, match=told):
        capitals.proposed(jurisdictions=croatia(**changes))
    content = content_of(named.registry.raw) | {JURISDICTIONS_FIELD: {"HR": entry(**changes)}}
    files = RoundFiles(named.root.raw, forged(content, capitals.held.values()))
    with pytest.raises(RootInvalid, match=told):
        open_proposal(files, None)
    assert HR in verify_rounds([files]).registry.directory


def test_a_round_names_the_jurisdiction_of_each_key_and_each_node(capitals: Capitals) -> None:
    with pytest.raises(InvalidInput, match="of HR, which nobody has a name for"):
        capitals.proposed(nodes=[node("ffp-hr", HR)])
    held = Capitals({code: new_signer() for code in (*SIX[:4], HR)})
    with pytest.raises(InvalidInput, match="jurisdictions/ and propose anew"):
        held.proposed(needed=4)
    trust = held.round(jurisdictions=croatia(), nodes=[node("ffp-hr", HR)])
    assert HR in [member.jurisdiction for member in trust.root.members]


def test_those_who_sign_read_what_the_round_says_and_what_changed(capitals: Capitals, named: Trust) -> None:
    lines = "\n".join(round_lines(named.root, named.registry))
    assert "  Jurisdictions\n    HR, Croatia\n      en: Croatia; bs: Hrvatska;" in lines
    assert "Languages hr, clock Europe/Zagreb" in lines
    assert KOSOVO_FOOTNOTE in lines, "a key of the root is of Kosovo*"
    before = capitals.round()
    said = "\n".join(round_lines(named.root, named.registry, before))
    assert "HR, Croatia: NEW" in said
    other = capitals.proposed(before, jurisdictions=croatia(clock="Europe/Vienna"))
    assert "HR, Croatia: OTHER THAN BEFORE" in "\n".join(round_lines(other.root, other.registry, named))
    none = capitals.proposed(named)
    assert "  Jurisdictions\n    HR, Croatia: REMOVED" in "\n".join(round_lines(none.root, none.registry, named))
    assert "Jurisdictions" not in "\n".join(round_lines(before.root, before.registry))
    plain = plain_round(named.root, named.registry)["jurisdictions"]
    assert plain == {"HR": entry()}


def test_a_footnote_of_the_registry_stands_below_what_is_read() -> None:
    marked = croatia(names={"en": "Land**"}, footnotes={"en": "** A note."})
    held = Capitals({code: new_signer() for code in (*SIX[:3], HR)})
    proposal = held.proposed(needed=3, jurisdictions=marked)
    assert round_lines(proposal.root, proposal.registry)[-1] == "** A note."
