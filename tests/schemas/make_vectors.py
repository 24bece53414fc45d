"""Make the signed examples under ``schemas/vectors`` anew: ``python -m tests.schemas.make_vectors``.

Everything comes out the same each time but the ML-DSA signatures, which hold fresh randomness (FIPS 204, 3.4), and
what hashes them: leaves, roots, proofs.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import schemas
from exchange.log import note
from exchange.log.checkpoint import Checkpoint
from exchange.trust.card import fingerprint
from exchange.trust.keys import ED25519, ML_DSA_65, key_id, raw_public
from schemas import open_envelope, seal, statement_id
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.keys import KEY_ROLES
from schemas.lane import EMPTY_HEAD, next_head
from schemas.strict_json import MAX_DEPTH
from tests.schemas.examples import (
    CARD,
    HEAD_TIME,
    IDENTITY,
    ISSUER,
    LOG,
    LOG_ORIGIN,
    OTHER,
    OTHERS,
    READER,
    READERS_WITNESS,
    SEED_RULE,
    STATEMENT,
    TRANSPORT,
    WITNESS,
    Json,
    acquisition_fields,
    card_fields,
    cosigned_head,
    encoded,
    exhibit_fields,
    firearm_fields,
    fired_fields,
    grown_head,
    mended_fields,
    page_fields,
    proofs,
    query_request_fields,
    record_fields,
    report_fields,
    seed,
    submission_fields,
    witnessed_fields,
)
from tests.schemas.key_examples import LOG_2, STATEMENT_2, TRANSPORT_2, WITNESS_2, WORKING_2, key_examples
from tests.schemas.statement_examples import custody_fields, digest, kept_by_another, statement_fields, wrong_statements

FOLDER = Path(schemas.__file__).parent / "vectors"


@dataclass(frozen=True)
class Vector:
    """One file: what it is read as, the reason for which it must be refused (None: it is good), and what is in it.

    ``append_spaces`` are to be added behind the file's bytes before it is read: a large file without its bulk.
    ``after`` is the key-event that the reader knows beside the card; ``log_index`` where a statement stands in the log.
    """

    file: str
    read_as: str
    expect: str | None
    because: str
    content: bytes
    append_spaces: int = 0
    after: str | None = None
    log_index: int | None = None


def make_vectors() -> list[Vector]:
    """All of them, the good ones first."""
    bad = (
        _bad_envelopes,
        _bad_payloads,
        _bad_statements,
        _bad_cards,
        _bad_submissions,
        _bad_pages,
        _bad_reports,
        _bad_witnessed,
        _bad_queries,
    )
    keys = [Vector(**vars(example)) for example in key_examples()]
    return [*_good(), *_good_statements(), *keys, *(vector for make in bad for vector in make())]


def make_files() -> dict[str, bytes]:
    """File name under ``schemas/vectors`` -> bytes: the examples, the manifest and the keys."""
    vectors = make_vectors()
    files = {vector.file: vector.content for vector in vectors}
    entries = [_entry(vector) for vector in vectors]
    manifest = {
        "contract": schemas.CONTRACT_VERSION,
        "issuer": ISSUER,
        "reader": {"node": READER, "jurisdiction": "MK", "lane_start": 0, "lane_head": EMPTY_HEAD.hex()},
        "known": {"size": 2, "root": grown_head(2).root.hex()},
        "vectors": entries,
    }
    return files | {"manifest.json": _pretty(manifest), "keys.json": _pretty(_keys())}


def _entry(vector: Vector) -> Json:
    entry = {name: value for name, value in asdict(vector).items() if name != "content"}
    for name, unsaid in (("append_spaces", 0), ("after", None), ("log_index", None)):
        if entry[name] == unsaid:
            del entry[name]
    if vector.expect is None and vector.read_as in {"statement", "card", "key-event"}:
        entry["statement_id"] = statement_id(open_envelope(vector.content).payload)
    return entry


def _signed(payload: bytes) -> bytes:
    return STATEMENT.sign(payload).raw


def _good() -> list[Vector]:
    smallest = {
        name: value for name, value in record_fields(audience=[]).items() if name not in ("supersedes", "exhibit")
    }
    smallest["exhibit"] = {"kind": "unknown", "calibre": "unknown"}
    smallest["acquisitions"] = [
        acquisition_fields(modality="reflectance", lighting="side", light_hour=12)
        | {"blob": {"sha256": hashlib.sha256(b"the photograph").hexdigest(), "size": 1, "media_type": "image/png"}}
    ]
    smallest["handling"] = {"code": "H3", "restriction": "Not to be shown to the press."}
    amended = record_fields(supersedes=hashlib.sha256(encoded(record_fields())).hexdigest())
    return [
        Vector(
            "good/record.json", "statement", None, "a record for two jurisdictions", _signed(encoded(record_fields()))
        ),
        Vector(
            "good/record-smallest.json",
            "statement",
            None,
            "a photograph under side light, nobody in the audience, a restriction in words, defaults left out",
            _signed(encoded(smallest)),
        ),
        Vector(
            "good/record-mended.json",
            "statement",
            None,
            "the examiner marked the region by hand: 3 x 5 cells, of which the last byte has one bit to spare",
            _signed(encoded(record_fields(acquisitions=[mended_fields()]))),
        ),
        Vector(
            "good/record-listed-calibre.json",
            "statement",
            None,
            "a calibre that is less usual",
            _signed(encoded(record_fields(exhibit=exhibit_fields(calibre="7.62x54R")))),
        ),
        Vector(
            "good/record-other-calibre.json",
            "statement",
            None,
            "a calibre that is not in the list, in words",
            _signed(encoded(record_fields(exhibit=exhibit_fields(calibre="other", calibre_words="11 mm Werndl")))),
        ),
        Vector(
            "good/record-test-fire.json",
            "statement",
            None,
            "a test fire that names its firearm, with item, seal and incident",
            _signed(encoded(record_fields(exhibit=fired_fields()))),
        ),
        Vector("good/record-amended.json", "statement", None, "replaces good/record.json", _signed(encoded(amended))),
        Vector("good/key-event.json", "card", None, "a node introduces itself", CARD.raw),
        Vector("good/submission.json", "submission", None, "what an examiner sends", encoded(submission_fields())),
        Vector(
            "good/submission-synonym.json",
            "submission",
            None,
            "the calibre is written as laboratories write it, and read as 9 mm Luger",
            encoded(submission_fields(exhibit={"kind": "test_fire", "calibre": "9 × 19"})),
        ),
        Vector("good/lane-page.json", "lane-page", None, "a lane of one record", encoded(page_fields())),
        Vector(
            "good/witness-report.json", "witness-report", None, "a head that was cosigned", encoded(report_fields())
        ),
        Vector("good/witnessed-log.json", "witnessed-log", None, "a log that grew", encoded(witnessed_fields())),
        Vector(
            "good/query-request.json",
            "query-request",
            None,
            "a query with its place in the log",
            encoded(query_request_fields(STATEMENT.sign(encoded(statement_fields()["query"])))),
        ),
        Vector("good/lane-withheld.json", "lane-page", None, "a record that the owner no longer shares", _withheld()),
    ]


def _good_statements() -> list[Vector]:
    good = statement_fields()
    kept = _signed(encoded(kept_by_another()))
    stated = {"stated_at": "2026-11-25T09:00:10.000Z"}
    confirmed = good["hit"] | {"stage": "confirmed", "basis": "exhibits", "score": None, "matcher": None}
    later = {
        "hit-confirmed": confirmed | stated | {"answers": digest("a step that agreed")},
        "physical-comparison-answers": good["physical-comparison"] | stated | {"answers": digest("a step that asked")},
    }
    return [
        *(
            Vector(f"good/{kind}.json", "statement", None, f"a statement of the type {kind}", _signed(encoded(fields)))
            for kind, fields in good.items()
        ),
        *(
            Vector(f"good/{name}.json", "statement", None, "says when it was made, and what it answers", _signed(raw))
            for name, raw in ((name, encoded(fields)) for name, fields in later.items())
        ),
        *(
            Vector(f"good/custody-{step}.json", "statement", None, "an exhibit travels", _signed(encoded(fields)))
            for step, fields in ((step, custody_fields(step)) for step in ("sent", "received", "returned"))
        ),
        Vector(
            "good/disclosure-channel.json",
            "statement",
            None,
            "a serial number, and under which number iARMS knows the firearm",
            _signed(encoded(good["disclosure"] | {"channel": "iarms"})),
        ),
        Vector("good/acknowledgement-kept.json", "statement", None, "a scan stays, by another's record", kept),
    ]


def _bad_statements() -> list[Vector]:
    """Each breaks a rule that binds several fields; none is of a record."""
    return [
        Vector(f"bad/{name}.json", "statement", "invalid-field", because, _signed(encoded(fields)))
        for name, (because, fields) in wrong_statements().items()
    ]


def _withheld() -> bytes:
    """The place on the lane stays, so that its head still adds up; the envelope does not."""
    page = page_fields()
    return encoded(page | {"items": [page["items"][0] | {"envelope": None}]})


def _bad_envelopes() -> list[Vector]:
    good = STATEMENT.sign(encoded(record_fields()))
    ids = list(good.signatures)
    signatures = [good.signatures[key] for key in ids]
    foreign = OTHERS.sign(good.payload).signatures
    altered = good.payload.replace(b"RS-2026-0001", b"RS-2026-0002")
    other_type = b"DSSEv1 16 application/json %d %s" % (len(good.payload), good.payload)
    form = json.loads(good.raw)

    def statement(name: str, expect: str, because: str, content: bytes, append_spaces: int = 0) -> Vector:
        return Vector(f"bad/{name}.json", "statement", expect, because, content, append_spaces)

    def both(message: bytes) -> dict[str, bytes]:
        return dict(zip(ids, (STATEMENT.ed25519.sign(message), STATEMENT.ml_dsa.sign(message)), strict=True))

    def resealed(**changes: object) -> bytes:
        return encoded(form | changes)

    ed25519_flipped = dict(zip(ids, (_flipped(signatures[0]), signatures[1]), strict=True))
    ml_dsa_flipped = dict(zip(ids, (signatures[0], _flipped(signatures[1])), strict=True))
    return [
        statement(
            "altered-payload",
            "bad-signature",
            "one digit was changed after signing",
            seal(altered, good.signatures).raw,
        ),
        statement(
            "altered-ed25519", "bad-signature", "one bit of the signature", seal(good.payload, ed25519_flipped).raw
        ),
        statement(
            "altered-ml-dsa", "bad-signature", "one bit of the signature", seal(good.payload, ml_dsa_flipped).raw
        ),
        statement(
            "swapped-signatures",
            "bad-signature",
            "each under the other's key id",
            seal(good.payload, dict(zip(ids, reversed(signatures), strict=True))).raw,
        ),
        statement(
            "borrowed-key-ids",
            "bad-signature",
            "another node's signatures under the issuer's key ids",
            seal(good.payload, dict(zip(ids, foreign.values(), strict=True))).raw,
        ),
        statement(
            "signed-without-encoding",
            "bad-signature",
            "the bare payload was signed, not its pre-authentication encoding",
            seal(good.payload, both(good.payload)).raw,
        ),
        statement(
            "signed-for-another-type",
            "bad-signature",
            "the signed encoding names the type application/json",
            seal(good.payload, both(other_type)).raw,
        ),
        statement(
            "missing-ml-dsa",
            "unknown-key",
            "signed with Ed25519 alone",
            seal(good.payload, {ids[0]: signatures[0]}).raw,
        ),
        statement(
            "missing-ed25519",
            "unknown-key",
            "signed with ML-DSA-65 alone",
            seal(good.payload, {ids[1]: signatures[1]}).raw,
        ),
        statement(
            "third-signature",
            "unknown-key",
            "another node's good signature beside the issuer's two",
            seal(good.payload, {**good.signatures, **_first(foreign)}).raw,
        ),
        statement("wrong-key", "unknown-key", "signed by another node", OTHERS.sign(good.payload).raw),
        statement(
            "wrong-issuer",
            "wrong-issuer",
            "the payload names another node as its issuer",
            _signed(encoded(record_fields(issuer=OTHER))),
        ),
        statement(
            "duplicate-signature",
            "duplicate-signature",
            "the same signature twice",
            resealed(signatures=[*form["signatures"], form["signatures"][0]]),
        ),
        statement("envelope-cut-short", "not-json", "the last byte is missing", good.raw[:-1]),
        statement(
            "envelope-duplicate-key",
            "duplicate-key",
            "the payload stands twice",
            good.raw.replace(b'{"payload":', b'{"payload":"e30=","payload":', 1),
        ),
        statement(
            "another-payload-type", "not-an-envelope", "application/json", resealed(payloadType="application/json")
        ),
        statement("envelope-unknown-field", "not-an-envelope", "a field that DSSE does not have", resealed(comment="")),
        statement("no-signatures", "not-an-envelope", "the list is empty", resealed(signatures=[])),
        statement(
            "not-base64", "not-base64", "an asterisk in the payload", resealed(payload="*" + form["payload"][1:])
        ),
        statement(
            "not-canonical-base64",
            "not-base64",
            "a bit of the padding is set: the same payload spelt otherwise",
            resealed(payload=_respelt(form["payload"])),
        ),
        statement("too-large", "too-large", "more than an envelope may have", good.raw, MAX_ENVELOPE_BYTES),
    ]


def _bad_payloads() -> list[Vector]:
    """Signed as they should be; what was signed is wrong."""
    good = encoded(record_fields())
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    no_scale = acquisition_fields(modality="reflectance", lateral_resolution_um=None)

    def payload(name: str, expect: str, because: str, content: bytes) -> Vector:
        return Vector(f"bad/{name}.json", "statement", expect, because, _signed(content))

    def record(name: str, because: str, expect: str = "invalid-field", **changes: object) -> Vector:
        return payload(name, expect, because, encoded(record_fields(**changes)))

    def mended(name: str, because: str, **changes: object) -> Vector:
        return record(f"region-{name}", because, acquisitions=[mended_fields(**changes)])

    def exhibit(name: str, because: str, expect: str = "invalid-field", **changes: object) -> Vector:
        return record(name, because, expect, exhibit=exhibit_fields(**changes))

    def test_fire(name: str, because: str, expect: str = "invalid-field", **changes: object) -> Vector:
        return record(name, because, expect, exhibit=fired_fields(**changes))

    return [
        mended("too-long", "one byte more than 3 x 5 cells take", bits="dkYA"),
        mended("too-short", "one byte less than 3 x 5 cells take", bits="dg=="),
        mended("stray-bit", "a bit is set behind the last cell", bits="dkc="),
        mended("empty", "no cell is in the region", bits="AAA="),
        mended("not-base64", "an asterisk in the bits", bits="dk*="),
        mended("not-canonical-base64", "a bit of the padding is set: the same region spelt otherwise", bits="dkZ="),
        mended("too-many-cells", "more than 128 rows", rows=129, columns=1, bits="/////////////////////4A="),
        payload("duplicate-key", "duplicate-key", "two levels, two readers", _inserted(good, '"level":"none",')),
        payload(
            "duplicate-key-escaped",
            "duplicate-key",
            "the second is written l\\u0065vel",
            _inserted(good, '"l\\u0065vel":0,'),
        ),
        payload("not-a-number", "not-json", "NaN is not JSON", good.replace(b":3.125", b":NaN")),
        payload("not-utf8", "not-json", "the text is in Latin-2", good.replace("š".encode(), "š".encode("iso8859-2"))),
        payload("lone-surrogate", "not-json", "half a surrogate pair", good.replace("Niš".encode(), b"Ni\\ud800")),
        payload("byte-order-mark", "not-json", "begins with a byte-order mark", b"\xef\xbb\xbf" + good),
        payload("empty-payload", "not-json", "nothing was signed", b""),
        payload("too-deep", "too-deep", "nests 17 levels", _inserted(good, f'"deep":{deep},')),
        record("unknown-type", "a kind of statement that this version does not know", "unknown-type", type="rumour"),
        record("unknown-contract", "the next version", "unknown-contract", contract="2.0"),
        record("unknown-field", "a field that the contract does not know", "unknown-field", serial_number="A 1"),
        exhibit("unknown-field-inside", "likewise, deeper", "unknown-field", colour="grey"),
        exhibit("unknown-calibre", "no such cartridge", "unknown-calibre", calibre="9x91"),
        exhibit("other-calibre-not-named", "other, and nothing says what it is", calibre="other"),
        exhibit("calibre-named-twice", "words beside a designation", calibre="9x19", calibre_words="9 mm"),
        exhibit("item-empty", "an item without a number", item=""),
        exhibit("item-too-long", "more than 32 characters", item="1" * 33),
        exhibit("item-of-two-lines", "a line break", item="1\n2"),
        exhibit("item-of-other-letters", "a letter of another language", item="3\N{GREEK CAPITAL LETTER ALPHA}"),
        exhibit(
            "item-with-what-is-not-displayed", "a character that nobody sees", item="3\N{COMBINING GRAPHEME JOINER}"
        ),
        exhibit("seal-with-space", "a space at its end", seal="B 0047 "),
        exhibit("incident-in-words", "a reference has no spaces", incident="the second one"),
        exhibit("firearm-of-a-scene", "only a test fire names its firearm", firearm=firearm_fields()),
        test_fire(
            "firearm-and-suspicion",
            "it is known",
            suspected_firearm={"make": "Zastava", "basis": "class characteristics"},
        ),
        test_fire("firearm-id-missing", "no pseudonym", firearm=firearm_fields(firearm_id="")),
        test_fire("firearm-id-in-words", "a pseudonym has no spaces", firearm=firearm_fields(firearm_id="the pistol")),
        test_fire("firearm-kind-unknown", "not in the vocabulary", firearm=firearm_fields(kind="crossbow")),
        test_fire("firearm-origin-unknown", "not in the vocabulary", firearm=firearm_fields(origin="bought")),
        test_fire("firearm-converted-maybe", "not in the vocabulary", firearm=firearm_fields(converted="maybe")),
        test_fire(
            "firearm-calibre-unknown", "no such cartridge", "unknown-calibre", firearm=firearm_fields(calibre="9x91")
        ),
        test_fire("firearm-calibre-not-named", "other, and not in words", firearm=firearm_fields(calibre="other")),
        test_fire("firearm-make-of-two-lines", "a line break", firearm=firearm_fields(make="Zastava\n")),
        test_fire("firearm-model-empty", "no characters", firearm=firearm_fields(model="")),
        test_fire(
            "firearm-serial-number", "it stays at home", "unknown-field", firearm=firearm_fields(serial_number="A 1")
        ),
        exhibit("unknown-word", "not in the vocabulary", kind="souvenir"),
        exhibit("hidden-text", "a character that turns the writing direction", municipality="Ni\u202eš"),
        exhibit("two-lines", "a line break", headstamp="PPU\n9mm"),
        exhibit(
            "dates-in-disorder",
            "the end before the beginning",
            occurred={"earliest": "2026-03-02", "latest": "2026-03-01"},
        ),
        exhibit("unknown-and-another", "stands alone", classes={"breech_face": ["unknown", "arched"]}),
        exhibit("number-as-text", "an hour in quotation marks", classes={"ejector_hour": "3"}),
        record("no-such-day", "the 30th of February", retention_until="2036-02-30"),
        record("day-as-seconds", "seconds since 1970 are no day", retention_until="2114294400"),
        record("digest-in-capitals", "digests are in lower case", supersedes="A" * 64),
        record("restriction-not-said", "H3 without its words", handling={"code": "H3"}),
        record("restriction-not-due", "words without H3", handling={"code": "H0", "restriction": "Quietly."}),
        record("photograph-without-scale", "no micrometres per pixel", acquisitions=[no_scale]),
        record("audience-twice", "the same jurisdiction twice", audience=["MK", "MK"]),
        record("same-scan-twice", "two acquisitions name one scan", acquisitions=[acquisition_fields()] * 2),
        record("no-acquisition", "nothing was measured", acquisitions=[]),
    ]


def _bad_cards() -> list[Vector]:
    good = CARD
    moved = good.payload.replace(b"https://ffp.example", b"https://ffq.example")
    cut = card_fields(identity=IDENTITY.public.model_dump() | {"ed25519": raw_public(IDENTITY.ed25519)[:-4]})
    log_as_statement = card_fields()
    log_as_statement["delegation"]["log"] = STATEMENT.public.model_dump()

    def card(name: str, expect: str, because: str, content: bytes) -> Vector:
        return Vector(f"bad/card-{name}.json", "card", expect, because, content)

    def stated(name: str, expect: str, because: str, **changes: object) -> Vector:
        return card(name, expect, because, IDENTITY.sign(encoded(card_fields(**changes))).raw)

    own = card_fields()["possession"]
    later = proofs(WORKING_2, KEY_ROLES, previous=None)
    return [
        stated("another-origin", "invalid-field", "the log of another node", log_origin="ffp-mk.ffp-exchange/log"),
        stated("another-jurisdiction", "invalid-field", "its name says another jurisdiction", jurisdiction="MK"),
        stated("unproved", "possession-missing", "no proof for the witness key", possession=own | {"witness": None}),
        stated(
            "proved-by-another",
            "possession-invalid",
            "the proof for the log key is by another key",
            possession=own | {"log": later["log"]},
        ),
        card("altered", "bad-signature", "the address was changed after signing", seal(moved, good.signatures).raw),
        card("of-another", "unknown-key", "signed with other keys than it names", STATEMENT.sign(good.payload).raw),
        card("is-a-record", "unexpected-type", "a record", IDENTITY.sign(encoded(record_fields())).raw),
        card("key-cut-short", "invalid-field", "the identity key has 29 bytes", IDENTITY.sign(encoded(cut)).raw),
        card(
            "wrong-kind-of-log-key",
            "invalid-field",
            "an ML-DSA-65 key where heads are signed with ML-DSA-44",
            IDENTITY.sign(encoded(log_as_statement)).raw,
        ),
    ]


def _bad_submissions() -> list[Vector]:
    def submission(name: str, expect: str, because: str, content: bytes) -> Vector:
        return Vector(f"bad/submission-{name}.json", "submission", expect, because, content)

    return [
        submission("not-json", "not-json", "a comma too many", encoded(submission_fields())[:-1] + b",}"),
        submission(
            "unknown-field", "unknown-field", "only a node says who issued", encoded(submission_fields(issuer=ISSUER))
        ),
        submission(
            "unknown-calibre",
            "unknown-calibre",
            "no such cartridge",
            encoded(submission_fields(exhibit={"kind": "seized", "calibre": "9x91"})),
        ),
        submission("no-retention", "invalid-field", "no date", encoded(submission_fields(retention_until=None))),
    ]


def _bad_pages() -> list[Vector]:
    """The pages' own form and head are refused as a whole; an item that is not believed is set aside."""
    good = page_fields()
    wrong_id = hashlib.sha256(b"another statement").hexdigest()

    def page(name: str, expect: str, because: str, fields: Json) -> Vector:
        return Vector(f"bad/lane-{name}.json", "lane-page", expect, because, encoded(fields))

    def of(**changes: object) -> Json:
        return page_fields(STATEMENT.sign(encoded(record_fields(**changes))))

    def item(**changes: object) -> Json:
        return good | {"items": [good["items"][0] | changes]}

    return [
        page("unknown-contract", "unknown-contract", "the next version", good | {"contract": "2.0"}),
        page("another", "peer-misbehaved", "the lane of another reader", good | {"lane": "ffp-xk"}),
        page("gap", "peer-misbehaved", "begins at its second item", item(position=1)),
        page("head-differs", "peer-misbehaved", "the running head does not add up", good | {"head": EMPTY_HEAD.hex()}),
        page("no-checkpoint", "peer-misbehaved", "items without a signed head", good | {"checkpoint": None}),
        page(
            "another-checkpoint",
            "peer-misbehaved",
            "a head that the log did not sign",
            good | {"checkpoint": _forged(good)},
        ),
        page("not-in-log", "proof-invalid", "the proof leads to another root", item(inclusion=["0" * 64])),
        page(
            "wrong-id",
            "wrong-id",
            "the lane names another statement than it brings",
            item(statement_id=wrong_id) | {"head": next_head(EMPTY_HEAD, wrong_id).hex()},
        ),
        page("not-in-audience", "not-in-audience", "the record is meant for others", of(audience=["XK"])),
        page(
            "grant-to-another",
            "not-in-audience",
            "late access, and not for this reader",
            page_fields(STATEMENT.sign(encoded(statement_fields()["grant"]))),
        ),
        page(
            "message-to-another",
            "not-in-audience",
            "a message to somebody else",
            page_fields(STATEMENT.sign(encoded(statement_fields()["message"] | {"to": "ffp-xk"}))),
        ),
        page("stays-at-home", "not-in-audience", "a record that is only searched", of(level="search")),
        page("wrong-jurisdiction", "wrong-jurisdiction", "a record of another jurisdiction's", of(jurisdiction="ME")),
        page(
            "audit-batch",
            "unexpected-type",
            "what was audited stays at home",
            page_fields(STATEMENT.sign(encoded(statement_fields()["audit-batch"]))),
        ),
    ]


def _bad_reports() -> list[Vector]:
    """A report whose cosigned head is not believed is refused whole."""
    head = cosigned_head()
    *most, plain, timed = note.parse_note(head).signatures
    text = note.parse_note(head).text
    later = dataclasses.replace(plain, value=(HEAD_TIME + 61).to_bytes(8, "big") + plain.value[8:])

    def report(name: str, expect: str, because: str, fields: Json) -> Vector:
        return Vector(f"bad/witness-{name}.json", "witness-report", expect, because, encoded(fields))

    def of(*lines: note.Signature) -> Json:
        return report_fields(note.Note(text, lines).encoded())

    return [
        report("unknown-contract", "unknown-contract", "the next version", report_fields(contract="2.0")),
        report(
            "asks-nothing",
            "invalid-field",
            "nothing is proved by consistency with an empty log",
            report_fields(asks=[0]),
        ),
        report(
            "forked-too-often",
            "invalid-field",
            "five proofs of forks, of which a report has four at most",
            report_fields(forked=[{"log": "ffp-xk", "first": "AA==", "second": "AA=="}] * 5),
        ),
        report(
            "another-key",
            "checkpoint-invalid",
            "cosigned with the log's keys",
            report_fields(cosigned_head(witness=LOG)),
        ),
        report(
            "not-signed",
            "checkpoint-invalid",
            "a head that the log did not sign",
            report_fields(cosigned_head(log=READERS_WITNESS)),
        ),
        report("missing-ml-dsa", "checkpoint-invalid", "cosigned with Ed25519 alone", of(*most, plain)),
        report("missing-ed25519", "checkpoint-invalid", "cosigned with ML-DSA-44 alone", of(*most, timed)),
        report("another-time", "checkpoint-invalid", "the Ed25519 line states another time", of(*most, later, timed)),
    ]


def _bad_witnessed() -> list[Vector]:
    """Of a log of whose two leaves the reader knows the head."""
    forked = Checkpoint(LOG_ORIGIN, 3, hashlib.sha256(b"another root").digest())
    [good] = witnessed_fields()["heads"]

    def answer(name: str, expect: str, because: str, fields: Json) -> Vector:
        return Vector(f"bad/witnessed-{name}.json", "witnessed-log", expect, because, encoded(fields))

    return [
        answer("unknown-contract", "unknown-contract", "the next version", witnessed_fields(contract="2.0")),
        answer(
            "too-many", "invalid-field", "17 heads, of which there are 16 at most", witnessed_fields(heads=[good] * 17)
        ),
        answer("not-signed", "peer-misbehaved", "the log did not sign it", witnessed_fields(log=READERS_WITNESS)),
        answer("forked", "proof-invalid", "the head does not go on from the known one", witnessed_fields(forked)),
    ]


def _bad_queries() -> list[Vector]:
    """What comes with a query's scan; of what is not believed nothing is kept."""
    good = statement_fields()["query"]
    sealed = STATEMENT.sign(encoded(good))

    def query(name: str, expect: str, because: str, fields: Json) -> Vector:
        return Vector(f"bad/query-{name}.json", "query-request", expect, because, encoded(fields))

    def of(**changes: object) -> Json:
        return query_request_fields(STATEMENT.sign(encoded(good | changes)))

    message = STATEMENT.sign(encoded(statement_fields()["message"]))
    return [
        query("unknown-contract", "unknown-contract", "the next version", query_request_fields(sealed, contract="2.0")),
        query("to-another", "not-in-audience", "another node is asked", of(to="ffp-xk")),
        query("is-a-message", "unexpected-type", "it asks nothing", query_request_fields(message)),
        query("forged", "unknown-key", "another node signed it", query_request_fields(OTHERS.sign(encoded(good)))),
        query("not-in-log", "proof-invalid", "the proof leads from another place", of() | {"log_index": 0}),
        query(
            "head-not-signed",
            "checkpoint-invalid",
            "a head that the log did not sign",
            query_request_fields(sealed, checkpoint=base64.b64encode(cosigned_head(log=READERS_WITNESS)).decode()),
        ),
    ]


def _keys() -> Json:
    def entry(name: str, algorithm: str, public: str) -> Json:
        full = f"{name} {algorithm}"
        ids = {"keyid": key_id(algorithm, public)} if algorithm in (ED25519, ML_DSA_65) else {}
        return {"name": full, "seed": seed(full).hex(), "public": public, **ids}

    pairs: list[tuple[str, str, str]] = []
    for name, signer in (("ffp-rs identity", IDENTITY), ("ffp-rs statement", STATEMENT), ("ffp-mk statement", OTHERS)):
        pairs += [(name, ED25519, signer.public.ed25519), (name, ML_DSA_65, signer.public.ml_dsa)]
    for name, keys in (("ffp-rs log", LOG), ("ffp-rs witness", WITNESS), ("ffp-mk witness", READERS_WITNESS)):
        pairs += [(name, ED25519, keys.public.ed25519), (name, "ml-dsa-44", keys.public.ml_dsa)]
    pairs.append(("ffp-rs transport", ED25519, raw_public(TRANSPORT)))
    pairs += [("ffp-rs statement 2", ED25519, STATEMENT_2.public.ed25519)]
    pairs += [("ffp-rs statement 2", ML_DSA_65, STATEMENT_2.public.ml_dsa)]
    for name, keys in (("ffp-rs log 2", LOG_2), ("ffp-rs witness 2", WITNESS_2)):
        pairs += [(name, ED25519, keys.public.ed25519), (name, "ml-dsa-44", keys.public.ml_dsa)]
    pairs.append(("ffp-rs transport 2", ED25519, raw_public(TRANSPORT_2)))
    return {
        "warning": "These keys are public. They are for tests only: whoever trusts them trusts everybody.",
        "seeds": SEED_RULE,
        "keys": [entry(*pair) for pair in pairs],
        "fingerprints": {"ffp-rs identity": fingerprint(IDENTITY.public)},
    }


def _forged(page: Json) -> str:
    note = base64.b64decode(page["checkpoint"]).replace(f"{LOG_ORIGIN}\n2\n".encode(), f"{LOG_ORIGIN}\n3\n".encode(), 1)
    return base64.b64encode(note).decode()


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def _first(signatures: dict[str, bytes]) -> dict[str, bytes]:
    return dict([next(iter(signatures.items()))])


def _inserted(payload: bytes, text: str) -> bytes:
    """The text right after the payload's first bracket."""
    return payload[:1] + text.encode() + payload[1:]


def _respelt(text: str) -> str:
    """The same bytes in Base64 that is not canonical: the last character's unused bits are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    bare = text.rstrip("=")
    if bare == text:
        raise ValueError("this text leaves no bits unused")
    return bare[:-1] + alphabet[alphabet.index(bare[-1]) + 1] + text[len(bare) :]


def _pretty(content: Json) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    for name, content in make_files().items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_bytes(content)
    print(f"wrote {FOLDER}")
