"""A round of the trust root in words, for those who sign it and those who install it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.jurisdictions.directory import Directory
from exchange.jurisdictions.jurisdiction_entry import ENGLISH, JurisdictionEntry, plain_entries
from exchange.trust.card import fingerprint, spoken_fingerprint
from exchange.trust.ceremony import Proposal
from exchange.trust.registry import RegistryFile, Trust, round_fingerprint
from exchange.trust.root import RootFile, Tally
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class _Contents:
    """What a round names, each with the digits that tell it from another of that name."""

    keys: Mapping[str, str]
    nodes: Mapping[str, str]
    time_stamping: Mapping[str, str]
    jurisdictions: Mapping[str, str]


def round_lines(root: RootFile, registry: RegistryFile, before: Trust | None = None) -> list[str]:
    """What a round says; where the one before it is given, also what changes."""
    now = _contents(root, registry)
    then = _contents(before.root, before.registry) if before else None
    lines = [
        f"Round {root.version}: new peers until {min(root.expires, registry.expires):%Y-%m-%d}, signed by "
        f"{root.needed} of {len(root.members)} jurisdictions",
    ]
    if before is not None and before.root.needed != root.needed:
        lines.append(f"  CHANGED: {before.root.needed} had to sign before")
    lines += ["  Keys", *_entries(now.keys, then.keys if then else None)]
    lines += ["  Nodes", *_entries(now.nodes, then.nodes if then else None)]
    lines += ["  Time-stamping roots", *_entries(now.time_stamping, then.time_stamping if then else None)]
    if now.jurisdictions or (then and then.jurisdictions):
        lines += ["  Jurisdictions", *_entries(now.jurisdictions, then.jurisdictions if then else None)]
    lines += [
        "  The digits of this round, to read out by telephone:",
        "",
        f"    {round_fingerprint(root, registry)}",
        "",
    ]
    return [*lines, *registry.directory.footnotes_in(lines)]


def signature_lines(proposal: Proposal) -> list[str]:
    """Who signed the proposal, and who is missing, for each condition of its publication."""
    lines, known = [], proposal.registry.directory
    for what, tally in proposal.tallies:
        state = "enough" if tally.good else "NOT YET ENOUGH"
        lines.append(f"{what[:1].upper()}{what[1:]}: {len(tally.complete)} of {tally.needed} needed, {state}")
        lines += [
            f"  {label}: {_names(found, known)}"
            for label, found in _kinds(tally)
            if found or label == "signed with both keys"
        ]
    return [*lines, *known.footnotes_in(lines)]


def plain_round(root: RootFile, registry: RegistryFile) -> dict[str, object]:
    """A round for programs."""
    return {
        "version": root.version,
        "expires": min(root.expires, registry.expires).isoformat(),
        "needed": root.needed,
        "fingerprint": round_fingerprint(root, registry),
        "keys": {str(member.jurisdiction): fingerprint(member.public) for member in root.members},
        "nodes": [
            {
                "node_id": node.node_id,
                "jurisdiction": str(node.jurisdiction),
                "url": node.url,
                "fingerprint": fingerprint(node.identity),
            }
            for node in registry.nodes
        ],
        "time_stamping": {
            one.name: spoken_fingerprint(hashlib.sha256(one.target).digest()) for one in registry.time_stamping
        },
        "jurisdictions": plain_entries(registry.jurisdictions),
    }


def plain_signatures(proposal: Proposal) -> dict[str, object]:
    """Who signed, for programs: by condition of the publication."""
    return {
        "complete": proposal.complete,
        "conditions": [
            {
                "condition": what,
                "good": tally.good,
                "needed": tally.needed,
                "signed": [str(code) for code in tally.complete],
                "signed_with_one_key": [str(code) for code in tally.half],
                "missing": [str(code) for code in tally.missing],
            }
            for what, tally in proposal.tallies
        ],
    }


def _contents(root: RootFile, registry: RegistryFile) -> _Contents:
    known = registry.directory
    return _Contents(
        keys={known.name(member.jurisdiction): fingerprint(member.public) for member in root.members},
        nodes={
            f"{node.node_id} of {known.name(node.jurisdiction)} at {node.url}": fingerprint(node.identity)
            for node in registry.nodes
        },
        time_stamping={
            one.name: spoken_fingerprint(hashlib.sha256(one.target).digest()) for one in registry.time_stamping
        },
        jurisdictions={
            f"{code}, {known.name(code)}": _told(entry) for code, entry in sorted(registry.jurisdictions.items())
        },
    )


def _told(entry: JurisdictionEntry) -> str:
    """All that is stated of a jurisdiction, for who signs it to read."""
    names, notes = _by_language(entry.names), _by_language(entry.footnotes)
    told = f"{names}. Languages {', '.join(entry.languages)}, clock {entry.clock}"
    return f"{told}. Footnote {notes}" if notes else told


def _by_language(texts: Mapping[str, str]) -> str:
    """English first."""
    found = sorted(texts.items(), key=lambda item: (item[0] != ENGLISH, item[0]))
    return "; ".join(f"{language}: {text}" for language, text in found)


def _entries(now: Mapping[str, str], then: Mapping[str, str] | None) -> list[str]:
    lines = []
    for name, digits in now.items():
        lines += [f"    {name}{_change(digits, name, then)}", f"      {digits}"]
    gone = [] if then is None else [name for name in then if name not in now]
    return [*lines, *(f"    {name}: REMOVED" for name in gone)] or ["    none"]


def _change(digits: str, name: str, then: Mapping[str, str] | None) -> str:
    if then is None or then.get(name) == digits:
        return ""
    return ": OTHER THAN BEFORE" if name in then else ": NEW"


def _kinds(tally: Tally) -> tuple[tuple[str, tuple[Jurisdiction, ...]], ...]:
    return (
        ("signed with both keys", tally.complete),
        ("signed with one key only, which does not count", tally.half),
        ("not signed", tally.missing),
    )


def _names(found: tuple[Jurisdiction, ...], known: Directory) -> str:
    return ", ".join(map(known.name, found)) or "nobody"
