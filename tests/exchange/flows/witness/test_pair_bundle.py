"""A court's expert verifies what a report says of a pair, and finds each way in which its bundle can lie."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exchange.errors import NotFound, ProofInvalid, StatementInvalid
from exchange.flows.node.node import Node
from exchange.flows.witness.pair_bundle import make_pair_bundle
from exchange.flows.witness.verify_pair_bundle import VerifiedPair, verify_pair_bundle
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.card import fingerprint
from schemas import Conclusion, Hit, Record
from schemas.json_schema import json_schema_documents
from schemas.pair_bundle import CONTENTS, REPORT_FILE, LeftOutReason
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, _ = REGIONS
PDF = b"%PDF-1.7 of a test"
FREE = {"code": "H0", "restriction": None, "source_grade": None, "information_grade": None}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlindWorld]:
    """Two leads that North Macedonia told, and what Serbia said of the first."""
    with blind_world(tmp_path_factory.mktemp("pair")) as made:
        made.exhibit("a", RS)
        made.exhibit("b", MK, handling=FREE | {"code": "H2"})
        made.exhibit("c", MK, handling=FREE)
        for other in ("b", "c"):
            made.compare("a", other)
            made.hit(MK, "a", other, BREECH)
        made.network.settle()
        [hit] = [row for row in rows(made.rs, "hit") if names(row, made.records["b"])]
        made.says(FIRST, "physical-comparison", hit=hit.statement_id, step="asked", on="2100-01-01", place="Skopje")
        made.network.settle()
        for reader, log in ((RS, MK), (MK, RS)):
            made.network.pull(reader, log)
        yield made


def rows(node: Node, *kinds: str) -> list[StatementRow]:
    with node.store.read() as session:
        found = session.query(StatementRow).filter(StatementRow.type.in_(kinds))
        return found.order_by(StatementRow.issuer, StatementRow.log_index).all()


def names(row: StatementRow, record: str) -> bool:
    return record.encode() in base64.b64decode(json.loads(row.envelope or b"{}")["payload"])


def bundle_of(node: Node, world: BlindWorld, other: str = "b") -> bytes:
    of_pair = [row for row in rows(node, "conclusion", "verification", "hit") if names(row, world.records[other])]
    hits = {row.statement_id for row in of_pair if row.type == "hit"}
    steps = [row for row in rows(node, "physical-comparison") if row.about in hits]
    said = [row.statement_id for row in (*of_pair, *steps)]
    return make_pair_bundle(node, (world.records["a"], world.records[other]), said, PDF)


def test_each_fact_is_proven_on_either_side(world: BlindWorld) -> None:
    for node in (world.rs, world.network.nodes[MK]):
        found = verify_pair_bundle(bundle_of(node, world))
        kinds = [fact.statement.type for fact in found.facts if not isinstance(fact.statement, Record)]
        assert kinds == ["conclusion", "verification", "hit", "physical-comparison"]
        assert {fact.statement_id for fact in found.facts if isinstance(fact.statement, Record)} >= {
            world.records["a" if node is world.rs else "b"]
        }
        assert all(fact.head_size is not None for fact in found.facts), "the other's log is mirrored here"
        assert found.fingerprints == {
            name: fingerprint(world.network.nodes[name].card.identity) for name in sorted((RS, MK))
        }


def test_the_same_statements_give_the_same_bytes(world: BlindWorld) -> None:
    assert bundle_of(world.rs, world) == bundle_of(world.rs, world)


def test_the_others_record_is_given_where_its_handling_restricts_nothing(world: BlindWorld) -> None:
    kept = verify_pair_bundle(bundle_of(world.rs, world, "b"))
    assert [(left.statement_id, left.reason) for left in kept.contents.left_out] == [
        (world.records["b"], LeftOutReason.HANDLING)
    ]
    free = verify_pair_bundle(bundle_of(world.rs, world, "c"))
    assert free.contents.left_out == ()
    assert {fact.statement_id for fact in free.facts if isinstance(fact.statement, Record)} == {
        world.records["a"],
        world.records["c"],
    }


def test_without_a_mirror_the_signatures_stand_alone(world: BlindWorld, tmp_path: Path) -> None:
    made = without_a_mirror(world, tmp_path)
    found = verify_pair_bundle(made)
    assert {fact.statement.issuer: fact.head_size is not None for fact in found.facts} == {RS: True, MK: False}
    assert any(isinstance(fact.statement, Conclusion) for fact in found.facts)


def without_a_mirror(world: BlindWorld, folder: Path) -> bytes:
    """The bundle that a node makes which witnesses no log of the other's."""
    with world.copied(folder) as copy:
        with copy.rs.store.write() as session:
            session.get_one(PeerRow, MK).cosigned = None
        return bundle_of(copy.rs, copy)


def test_each_file_has_the_form_that_is_published(world: BlindWorld, tmp_path: Path) -> None:
    """``schemas/json`` has one for each kind of JSON file in the ZIP."""
    published = {"contents.json": "pair-contents", "proven": "bundle", "signed": "bundled-statement"}
    files = unpacked(without_a_mirror(world, tmp_path))
    told = {name: json.loads(content) for name, content in files.items() if name != REPORT_FILE}
    assert {name.partition("/")[0] for name in told} == set(published)
    for name, content in told.items():
        schema = json_schema_documents()[f"{published[name.partition('/')[0]]}.schema.json"]
        Draft202012Validator(json.loads(schema)).validate(content)


def test_what_is_not_believed_or_gone_is_named_and_left_out(world: BlindWorld, tmp_path: Path) -> None:
    with world.copied(tmp_path) as copy:
        [conclusion] = [row for row in rows(copy.rs, "conclusion") if names(row, copy.records["b"])]
        [verification] = [row for row in rows(copy.rs, "verification") if names(row, copy.records["b"])]
        said = (conclusion.statement_id, verification.statement_id)
        with copy.rs.store.write() as session:
            session.get_one(StatementRow, said[0]).refused_by = said[1]
            session.get_one(StatementRow, said[1]).envelope = None
        made = make_pair_bundle(copy.rs, (copy.records["a"], copy.records["b"]), said, PDF)
        found = {left.statement_id: left.reason for left in verify_pair_bundle(made).contents.left_out}
        assert (found[said[0]], found[said[1]]) == (LeftOutReason.NOT_BELIEVED, LeftOutReason.NOT_HELD)
        with pytest.raises(NotFound):
            make_pair_bundle(copy.rs, (copy.records["a"], "0" * 64), (), PDF)


def test_a_fingerprint_that_is_known_is_one_inside(world: BlindWorld) -> None:
    made = bundle_of(world.rs, world)
    known = [fingerprint(node.card.identity) for node in world.network.nodes.values()]
    assert isinstance(verify_pair_bundle(made, confirmed=known), VerifiedPair)
    with pytest.raises(StatementInvalid, match="No identity inside"):
        verify_pair_bundle(made, confirmed=["00000 " * 7 + "00000"])


Files = dict[str, bytes]


def unpacked(made: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def changed(files: Files, name: str, **changes: Any) -> Files:
    return {**files, name: json.dumps(json.loads(files[name]) | changes).encode()}


def _without(files: Files, name: str) -> Files:
    return {key: content for key, content in files.items() if key != name}


def _one(files: Files, kind: str) -> str:
    return next(name for name in files if kind in name)


LIES: dict[str, Callable[[Files, Files], Files]] = {
    "another report": lambda it, _: {**it, REPORT_FILE: b"%PDF of another"},
    "no report": lambda it, _: _without(it, REPORT_FILE),
    "no contents": lambda it, _: _without(it, CONTENTS),
    "a statement less": lambda it, _: _without(it, _one(it, "verification")),
    "a statement of another pair": lambda it, other: {
        **changed(it, CONTENTS, statements=json.loads(other[CONTENTS])["statements"]),
        **{name: content for name, content in other.items() if name not in (CONTENTS, REPORT_FILE)},
    },
    "a file that no bundle has": lambda it, _: {**it, "run-me.exe": b""},
    "another pair in its contents": lambda it, _: changed(it, CONTENTS, records=["1" * 64, "2" * 64]),
    "a proof as of another": lambda it, _: {**it, _one(it, "-hit"): it[_one(it, "verification")]},
    "nothing proven": lambda it, _: {
        CONTENTS: changed(it, CONTENTS, statements=[])[CONTENTS],
        REPORT_FILE: it[REPORT_FILE],
    },
    "no JSON": lambda it, _: {**it, _one(it, "-hit"): b"PK"},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_bundle_that_lies_is_not_believed(world: BlindWorld, lie: str) -> None:
    true, other = (unpacked(bundle_of(world.rs, world, name)) for name in ("b", "c"))
    with pytest.raises(StatementInvalid):
        verify_pair_bundle(packed(LIES[lie](true, other)))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_bundle_that_is_packed_otherwise_is_not_unpacked(world: BlindWorld, method: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in unpacked(bundle_of(world.rs, world)).items():
            archive.writestr(name, content)
    with pytest.raises(StatementInvalid, match="packed otherwise"):
        verify_pair_bundle(stream.getvalue())


def test_a_proof_of_another_place_is_not_believed(world: BlindWorld) -> None:
    true = unpacked(bundle_of(world.rs, world))
    name = _one(true, "-hit")
    moved = changed(true, name, log_index=json.loads(true[name])["log_index"] - 1)
    with pytest.raises(ProofInvalid):
        verify_pair_bundle(packed(moved))


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(StatementInvalid, match="no bundle of a pair"):
        verify_pair_bundle(data)


def test_a_hit_rests_on_what_is_inside(world: BlindWorld) -> None:
    found = verify_pair_bundle(bundle_of(world.rs, world))
    [hit] = [fact.statement for fact in found.facts if isinstance(fact.statement, Hit)]
    inside = {fact.statement_id for fact in found.facts}
    assert {hit.conclusion, hit.verification} <= inside
