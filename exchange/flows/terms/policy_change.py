"""Change the policy: what would change is told first, in words, and holds only once exactly that was confirmed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exchange.clock import now
from exchange.errors import Conflict, InvalidInput
from exchange.flows.node.node import Node
from exchange.flows.statement.named import check_named
from exchange.flows.statement.sign_statement import made
from exchange.flows.statement.signed_standing import policy_is_as_signed
from exchange.flows.terms.held_under_old_line import Holder, holders_under
from exchange.flows.terms.terms import policy_of, state_policy
from exchange.jurisdictions.directory import Directory
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from schemas import Group, LegalBasis, Maker, Policy
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule

NO_LINE = "no line, so it is blocked"
ANEW = (
    "What the database says of the policy in force is not what was signed, and no record is released. This puts a "
    "policy in force again."
)


@dataclass(frozen=True)
class PolicyChange:
    """``replaces``: the policy statement in force; None where none was made. ``changes``: a sentence for each.
    ``held``: what peers hold by now and would not be given any more."""

    replaces: str | None
    groups: tuple[Group, ...]
    bases: tuple[LegalBasis, ...]
    changes: tuple[str, ...]
    held: tuple[Holder, ...] = ()

    @property
    def confirmation(self) -> str:
        """What confirms this very change of this very policy: a SHA-256 over both."""
        parts = [self.replaces or "", *(item.model_dump_json() for item in (*self.groups, *self.bases))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def preview_policy(
    node: Node, maker: Maker, groups: tuple[Group, ...] | None, bases: tuple[LegalBasis, ...] | None
) -> PolicyChange:
    """What would change. What is not named stays as it is; nothing is signed. Raises InvalidInput, code
    "nothing-to-change"."""
    found = policy_of(node)
    with node.store.read() as session:
        altered = not policy_is_as_signed(session, node.history)
    before = found[1] if found else None
    if groups is None:
        groups = before.groups if before else ()
    bases_named = bases is not None
    if bases is None:
        bases = before.bases if before else ()
    named = [*(code for group in groups for code in group.members), *(basis.jurisdiction for basis in bases)]
    check_named(node, named, "bases")
    after = made(node, Policy, maker, groups=groups, bases=bases)
    known = node.jurisdictions
    changes = (*_groups_changed(before, after, known), *_bases_changed(before, after, known))
    if not changes and not altered and not (before is None and bases_named):
        raise InvalidInput(
            "This names nothing that would change in the policy; nothing was signed. Name groups, bases or both, as "
            "they are to be.",
            code="nothing-to-change",
        )
    first = (ANEW,) if altered else () if before else tuple(_first(node, after))
    held = holders_under(node, after)
    return PolicyChange(found[0] if found else None, groups, bases, (*first, *changes), held)


def told_held(held: Iterable[Holder], known: Directory) -> Iterator[str]:
    """A sentence for each peer that would hold, after a change, what would not be given to it then."""
    for holder in held:
        reasons = ", ".join(f"{count} {reason}" for reason, count in holder.reasons.items())
        yield (
            f"{known.name(holder.jurisdiction)} holds {holder.records} of this node's records that it would not be "
            f"given then ({reasons}). They stay there until you take them back: ffp policy held"
        )


def change_policy(
    node: Node,
    maker: Maker,
    groups: tuple[Group, ...] | None,
    bases: tuple[LegalBasis, ...] | None,
    *,
    confirmed: str | None,
) -> str:
    """Put a change in force that was previewed. Returns the statement's id.

    Raises as ``preview_policy``; Conflict, code "not-confirmed", which tells what would change; code "policy-changed",
    when somebody else changed the policy since the preview, or the change is another.
    """
    change = preview_policy(node, maker, groups, bases)
    if confirmed is None:
        raise Conflict(
            f"Nothing was changed. This would: {' '.join(change.changes)} Send it again with `confirmed`: "
            f"{change.confirmation}",
            code="not-confirmed",
        )
    if confirmed != change.confirmation:
        raise Conflict(
            "Nothing was changed: what was confirmed is another change, or the policy has changed since. See what "
            "would change now, and confirm that.",
            code="policy-changed",
        )
    return state_policy(node, maker, change.groups, change.bases, replaces=change.replaces)


def _first(node: Node, after: Policy) -> Iterator[str]:
    """What the first policy does besides its own lines."""
    yield "No policy was made so far, and nothing is shared. What no line allows stays blocked."
    with node.store.read() as session:
        enrolled = {peer.jurisdiction for peer in all_peers(session) if peer.state == PeerState.ENROLLED}
    for jurisdiction in sorted(enrolled - {basis.jurisdiction for basis in after.bases}):
        yield f"For {node.jurisdictions.name(jurisdiction)} there is no line: everything is blocked."


def _groups_changed(before: Policy | None, after: Policy, known: Directory) -> Iterator[str]:
    old = {group.name: set(group.members) for group in before.groups} if before else {}
    new = {group.name: set(group.members) for group in after.groups}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"The group {name} goes."
        elif name not in old:
            yield f"The group {name} is new, with {_named(new[name], known)}."
        else:
            if joined := new[name] - old[name]:
                yield f"{_named(joined, known)} joins the group {name}."
            if left := old[name] - new[name]:
                yield f"{_named(left, known)} leaves the group {name}."


def _bases_changed(before: Policy | None, after: Policy, known: Directory) -> Iterator[str]:
    old, new = _lines(before), _lines(after)
    for jurisdiction, kind in sorted(old.keys() | new.keys()):
        was, will = old.get((jurisdiction, kind), NO_LINE), new.get((jurisdiction, kind), NO_LINE)
        if was != will:
            yield f"{known.name(jurisdiction)}, {kind}: {was} now; then {will}."


def _lines(policy: Policy | None) -> dict[tuple[Jurisdiction, ExhibitKind], str]:
    bases = policy.bases if policy else ()
    return {(basis.jurisdiction, kind): _line(basis) for basis in bases for kind in basis.kinds}


def _line(basis: LegalBasis) -> str:
    said = f"{basis.rule} under {basis.article}, to be reviewed by {basis.review_by}"
    past = basis.rule is SharingRule.ALLOWED and basis.review_by < now().date()
    return f"{said}, which is past, so each needs an approval" if past else said


def _named(members: set[Jurisdiction], known: Directory) -> str:
    return ", ".join(sorted(map(known.name, members))) or "nobody"
