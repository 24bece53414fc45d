"""The card with which a node introduces itself: its form, its signatures, its keys; and TLS on the way to it."""

from __future__ import annotations

import ipaddress

from exchange.conformance.check import Check, Part
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.errors import StatementInvalid
from exchange.net.client import MAX_CARD_BYTES
from exchange.trust.card import fingerprint, open_card
from exchange.trust.key_history import pinned_history
from schemas import ENVELOPE_MEDIA_TYPE, ContractError, Envelope, KeyEvent, open_envelope, parse_statement

CARD, KEYS = "/v1/node", "/v1/node/keys"


def _form(visit: Visit) -> str:
    envelope, card = visit.shown = _read(visit)
    return f"An envelope of {len(envelope.raw)} bytes, contract {card.contract}: {card.issuer}, {card.jurisdiction}."


def _canonical(visit: Visit) -> str:
    first, again = (visit.wire.ask("GET", CARD).expect(200).body for _ in range(2))
    if first != again:
        raise NotKept("Two readings of the card differ: an envelope is kept and passed on byte for byte.")
    form = open_envelope(first)
    return f"The same {len(first)} bytes twice, Base64 in its one spelling, {len(form.signatures)} signatures."


def _signatures(visit: Visit) -> str:
    if visit.shown is None:
        raise NotTried("The node shows no card; see card-form.")
    envelope, card = visit.shown
    try:
        visit.card, visit.card_bytes = open_card(envelope), envelope.raw
    except StatementInvalid as error:
        raise NotKept(f"{error} ({error.code})") from error
    return f"Both verify. Fingerprint, to be compared by telephone: {fingerprint(card.identity)}"


def _keys(visit: Visit) -> str:
    card = visit.believed_card
    given = card.delegation
    keys = [card.identity.ed25519, given.statement.ed25519, given.log.ed25519, given.witness.ed25519, given.transport]
    keys += [card.identity.ml_dsa, given.statement.ml_dsa, given.log.ml_dsa, given.witness.ml_dsa]
    if len(set(keys)) != len(keys):
        raise NotKept("A key is named for two roles.")
    return f"{len(keys)} keys, none of them named twice."


def _chain(visit: Visit) -> str:
    card = visit.believed_card
    told = visit.wire.ask("GET", KEYS).expect(200)
    try:
        visit.keys = pinned_history(visit.card_bytes, told.body)
    except (ContractError, StatementInvalid) as error:
        raise NotKept(f"The key-events of {card.issuer} are not believed: {error}") from error
    events = [link.event.event for link in visit.keys.links[1:]]
    return f"The card, and {len(events)} key-events after it{': ' if events else ''}{', '.join(events)}."


def _address(visit: Visit) -> str:
    url = visit.believed_keys.url
    if url != visit.wire.url.lower():
        raise NotKept(f"The card says {url}, but was read at {visit.wire.url}: what peers sign would be refused there.")
    return url


def _tls(visit: Visit) -> str:
    if not visit.wire.tls:
        raise NotTried(f"{visit.wire.url} is no https address{_where(visit.wire.host)}.")
    version, cipher, until = visit.wire.negotiated()
    if version not in ("TLSv1.2", "TLSv1.3"):
        raise NotKept(f"{version} was agreed on.")
    return f"{version}, {cipher}; the certificate verifies and is good until {until}."


def _where(host: str) -> str:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    return "; it stays on this machine" if loopback else "; nothing but a private network protects it on its way"


def _read(visit: Visit) -> tuple[Envelope, KeyEvent]:
    told = visit.wire.ask("GET", CARD).expect(200)
    if told.media_type != ENVELOPE_MEDIA_TYPE:
        raise NotKept(f"The card came as {told.media_type or 'nothing named'}, not as {ENVELOPE_MEDIA_TYPE}.")
    if len(told.body) > MAX_CARD_BYTES:
        raise NotKept(f"The card has {len(told.body)} bytes, more than the {MAX_CARD_BYTES} that peers read.")
    envelope = open_envelope(told.body)
    card = parse_statement(envelope.payload)
    if not isinstance(card, KeyEvent):
        raise NotKept(f"A statement of the type {card.type} stands where the card should be.")
    return envelope, card


CHECKS = (
    Check(
        "card-form",
        Part.STRANGER,
        "The node gives anybody its card: a key-event of contract 1.0 in a DSSE envelope.",
        "schemas/vectors, steps 1 to 3 and 6",
        "GET /v1/node",
        _form,
    ),
    Check(
        "card-signatures",
        Part.STRANGER,
        "The card is signed by exactly the identity keys that it names, Ed25519 and ML-DSA-65.",
        "schemas/vectors, steps 4 and 5; FIPS 204; RFC 8032",
        "Both signatures verified over the pre-authentication encoding",
        _signatures,
    ),
    Check(
        "card-canonical",
        Part.STRANGER,
        "An envelope is kept byte for byte, in canonical Base64, and never written anew.",
        "DSSE envelope.md; RFC 4648, 3.5",
        "The card read twice and compared",
        _canonical,
    ),
    Check(
        "card-keys",
        Part.STRANGER,
        "There is one key for each role: identity, statements, log, witness, transport.",
        "schemas/json/key-event.json",
        "All keys of the card compared",
        _keys,
    ),
    Check(
        "key-chain",
        Part.STRANGER,
        "The node gives anybody its key-events, its card first, each signed by the identity and following on the last.",
        "schemas/json/key-chain.json; docs/adr/0005",
        "GET /v1/node/keys",
        _chain,
    ),
    Check(
        "card-address",
        Part.STRANGER,
        "The card names the address at which peers reach the node, since they sign it with each request.",
        "RFC 9421, 2.2.3 (@authority)",
        "The card's address compared with the one that was asked",
        _address,
    ),
    Check(
        "tls",
        Part.STRANGER,
        "Between machines the node is reached over TLS 1.2 or newer, with a certificate that verifies.",
        "RFC 8446; RFC 9325, 3.1.1",
        "A connection with the trust store of this machine",
        _tls,
    ),
)
