"""How far a focal point has come, by what its node can see: rows, signed statements, settings; nobody fills in a form.

For the node's own head, operator and auditor; it is sent nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp, stamp_in
from exchange.coordination.approved_rows import ApprovedKind, find_approved_row
from exchange.coordination.half_year.counted import begun_at
from exchange.coordination.half_year.figure_counts import Counts, count
from exchange.coordination.half_year.half_year_rows import rows_of
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.public_edition import RATE_CLASSES, class_of
from exchange.coordination.half_year.small_counts import HELD_BACK, exact, told_count
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, Evidence, Practice, State
from exchange.coordination.maturity.practices_of_exchange import connected, enrolled, exchanging, head_after, state_of
from exchange.errors import ConfigurationError
from exchange.flows.alerts.deadlines import Due, all_duties
from exchange.flows.keys.trust_root import WARNING
from exchange.flows.node.installed_trust import installed_trust
from exchange.flows.node.likelihood_ratio import is_of_this_release
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.work import CHECKS_LATE, UNWITNESSED_S
from exchange.flows.operate.recovery import BACKUP_DAYS, find_last_backup
from exchange.flows.operate.status import own_findings
from exchange.store.log.stamps import latest_stamp, stamp_failure
from exchange.store.log.statement_rows import last_log_check
from exchange.store.sync.peers import all_peers, unnoted
from exchange.store.terms.terms_rows import legal_bases, list_approvals
from exchange.store.witness.cosignatures import cosigned_size, disagreements, last_cosigned_at
from exchange.trust.key_files import is_encrypted

STAMPS_LATE: Final = 2
"""Of the intervals between stamps, so many may pass."""
FEEDBACK_SHARE: Final = 0.8


def dependable(session: Session, node: Node) -> Mapping[str, Evidence]:
    return {
        "keys_encrypted": Evidence(state_of(_keys_encrypted(node))),
        "trust_root": _trust_root(node),
        "log_checked": _log_checked(session, node),
        "log_cosigned": _cosigned(session, node),
        "time_stamps": _stamps(session, node),
        "backup": _backup(node),
        "no_alarm": _alarms(session, node),
    }


def accountable(session: Session, node: Node, due: Sequence[Due]) -> Mapping[str, Evidence]:
    """The last half-year is the one that ended last."""
    half = Half.of(_now()).before()
    return {
        "report_approved": _report(session, node, half),
        "feedback_given": _feedback(session, node, half),
        "legal_bases": _legal_bases(session, node),
        "deadlines": _deadlines(session, node, due),
        "likelihood_ratio": _likelihood_ratio(node),
    }


def _now() -> datetime:
    return datetime.fromisoformat(stamp())


def _keys_encrypted(node: Node) -> bool:
    try:
        return is_encrypted(node.settings.keys)
    except ConfigurationError:  # a file of them is open to others
        return False


def _trust_root(node: Node) -> Evidence:
    try:
        trust = installed_trust(node.settings)
    except ConfigurationError:
        return Evidence(State.DOES_NOT_HOLD)
    if trust is None:
        return Evidence(State.DOES_NOT_HOLD)
    return Evidence(state_of(_now() < trust.expires - WARNING), at=f"{trust.expires:%Y-%m-%d}")


def _log_checked(session: Session, node: Node) -> Evidence:
    check = last_log_check(session)
    if check is None:
        return Evidence(State.NO_DATA)
    since = stamp_in(-CHECKS_LATE * node.settings.log_check_interval_s)
    return Evidence(state_of(check.good and check.checked_at >= since), at=check.checked_at)


def _cosigned(session: Session, node: Node) -> Evidence:
    """No head waits longer for a cosignature from another jurisdiction than a peer that comes takes."""
    others = [peer for peer in enrolled(session) if peer.jurisdiction != node.settings.jurisdiction]
    sizes = {peer: cosigned_size(session, peer.node_id) or 0 for peer in others}
    largest = max(sizes.values(), default=0)
    waiting = head_after(session, largest)
    late = waiting is not None and waiting.signed_at < stamp_in(-UNWITNESSED_S)
    if not late and not largest:
        return Evidence(State.NO_DATA)
    came = [at for peer in others if (at := last_cosigned_at(session, peer.node_id)) is not None]
    who = tuple(sorted({peer.jurisdiction for peer, size in sizes.items() if size}))
    return Evidence(state_of(not late), at=max(came, default=None), partners=who)


def _stamps(session: Session, node: Node) -> Evidence:
    last = latest_stamp(session)
    at = last.at if last else None
    if node.authority is None:
        return Evidence(State.DOES_NOT_HOLD, at=at)
    waiting = head_after(session, last.size if last else 0)
    late = waiting is not None and waiting.signed_at < stamp_in(-STAMPS_LATE * node.settings.timestamp_interval_s)
    if late or stamp_failure(session) is not None:
        return Evidence(State.DOES_NOT_HOLD, at=at)
    return Evidence(State.HOLDS if last else State.NO_DATA, at=at)


def _backup(node: Node) -> Evidence:
    """Of copies that something else makes the node knows nothing. One of a day that is still to come was made by a
    clock that was ahead, and says nothing of the last days."""
    last = find_last_backup(node.settings.home)
    if last is None:
        return Evidence(State.NO_DATA)
    at = last.made_at
    return Evidence(state_of(stamp_in(-BACKUP_DAYS * DAY_S) <= at <= stamp_in(DAY_S)), at=at)


def _alarms(session: Session, node: Node) -> Evidence:
    """What the operator has taken note of stays set aside, and counts no more."""
    peers = tuple(peer.node_id for peer in enrolled(session) if peer.alarm or unnoted(session, peer.node_id))
    own = len([*own_findings(session, node, all_peers(session))]) + bool(disagreements(session, node.node_id))
    return Evidence(state_of(not peers and not own), exact(own + len(peers)), names=peers)


def _report(session: Session, node: Node, half: Half) -> Evidence:
    began, row = begun_at(session, node.node_id), find_approved_row(session, ApprovedKind.REPORT, str(half))
    if row is None and (began is None or began >= half.end):
        return Evidence(State.NO_DATA, names=(str(half),))
    return Evidence(state_of(row is not None), at=row.approved_at if row else None, names=(str(half),))


def _feedback(session: Session, node: Node, half: Half) -> Evidence:
    """By the exact counts. The rate is shown as the class that a public edition would have."""
    counts = count(rows_of(session, node, half), node.settings).counts
    given, missing = counts["feedback_given"], counts["feedback_missing"]
    due = _sum(given) + _sum(missing)
    if not due:
        return Evidence(State.NO_DATA, names=(str(half),))
    enough = due >= node.settings.monitoring_smallest
    rate = class_of(_sum(given) / due, RATE_CLASSES) if enough else HELD_BACK
    held = state_of(_sum(given) >= FEEDBACK_SHARE * due)
    return Evidence(held, rate, "share", names=(str(half),))


def _sum(counts: Counts) -> int:
    return sum(found or 0 for found in counts.values())


def _legal_bases(session: Session, node: Node) -> Evidence:
    """With the day of the first review that comes, or is overdue, and whom no line names."""
    bases = legal_bases(session)
    partners = {peer.jurisdiction for peer in enrolled(session)} - {node.settings.jurisdiction}
    lacking = tuple(sorted(partners - {str(basis.jurisdiction) for basis in bases}))
    first = min((basis.review_by for basis in bases), default=None)
    overdue = first is not None and first < _now().date()
    at = first.isoformat() if first else None
    if not partners and not overdue:
        return Evidence(State.NO_DATA, at=at)
    return Evidence(state_of(not lacking and not overdue), at=at, partners=lacking)


def _deadlines(session: Session, node: Node, due: Sequence[Due]) -> Evidence:
    moment = stamp()
    late = sum(item.late for item in due)
    late += sum(row.due_at < moment for row in list_approvals(session, open_only=True))
    return Evidence(state_of(not late), told_count(late, node.settings.monitoring_smallest))


def _likelihood_ratio(node: Node) -> Evidence:
    models = node.calibration
    if models is None:
        return Evidence(State.DOES_NOT_HOLD)
    population = models.widest.population
    return Evidence(state_of(is_of_this_release(models)), at=population.made_on, names=(population.name,))


@dataclass(frozen=True)
class Seen:
    """One practice, and what the node saw of it."""

    name: str
    practice: Practice
    proof: Evidence

    @property
    def then(self) -> str | None:
        """The next step, where there is one to take."""
        lacks = self.proof.state is State.NO_DATA and self.practice.brings_data
        return self.practice.then if lacks or self.proof.state is State.DOES_NOT_HOLD else None


@dataclass(frozen=True)
class Rung:
    """One level. ``held`` of its practices hold."""

    number: int
    title: str
    seen: tuple[Seen, ...]

    @property
    def held(self) -> int:
        return sum(item.proof.state is State.HOLDS for item in self.seen)


@dataclass(frozen=True)
class Maturity:
    node_id: str
    jurisdiction: str
    at: str
    rungs: tuple[Rung, ...]

    @property
    def reached(self) -> int:
        return reached((rung.number, [item.proof.state for item in rung.seen]) for rung in self.rungs)


def maturity_of(node: Node) -> Maturity:
    """Look at each practice once, in one moment of the database. Changes nothing, and asks no peer."""
    with node.store.read() as session:
        due = all_duties(session, node)
        proofs = {
            **connected(session, node),
            **exchanging(session, node, due),
            **dependable(session, node),
            **accountable(session, node, due),
        }
    return Maturity(node.node_id, node.settings.jurisdiction, stamp(), rungs_of(proofs))


def rungs_of(proofs: Mapping[str, Evidence]) -> tuple[Rung, ...]:
    return tuple(
        Rung(
            number,
            level.title,
            tuple(Seen(name, practice, proofs[name]) for name, practice in level.practices.items()),
        )
        for number, level in MATURITY_LEVELS.items()
    )


def reached(levels: Iterable[tuple[int, Collection[State]]]) -> int:
    """Return the highest level of which every practice holds, as those of all levels below; 0 for none. Without data a
    practice does not hold. ``levels``: each with the states of its practices, the lowest first."""
    number = 0
    for level, states in levels:
        if any(state is not State.HOLDS for state in states):
            break
        number = level
    return number
