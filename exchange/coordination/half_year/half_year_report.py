"""The monitoring report of a half-year or a year: made from work already done, in two editions that the head approves
in one act, and only then released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_document import ApprovedDocument, approve_document, find_approval
from exchange.coordination.approved_rows import (
    ApprovedKind,
    ApprovedRow,
    Editions,
    approved_periods,
    approved_rows,
    find_approved_row,
)
from exchange.coordination.half_year.counted import begun_at
from exchange.coordination.half_year.editions import editions
from exchange.coordination.half_year.figure_counts import Counted, count
from exchange.coordination.half_year.gap import Gap, legal_gap
from exchange.coordination.half_year.half_year_document import (
    Document,
    Earlier,
    NodeShare,
    document_of,
    read_document,
    terms_in_force,
    write_document,
)
from exchange.coordination.half_year.half_year_rows import (
    HalfYearRows,
    Joined,
    first_versions,
    joined_cases,
    linked_cases_of,
    rows_of,
)
from exchange.coordination.half_year.half_years import Half, Period, Year, is_year
from exchange.coordination.half_year.public_edition import public_figures
from exchange.coordination.half_year.restricted_edition import (
    Restricted,
    RestrictedHalf,
    read_restricted,
    restricted_half,
    restricted_year,
    write_restricted,
)
from exchange.coordination.half_year.small_counts import NO_DATA, exact
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from schemas import Maker

MONTHS = 12


@dataclass(frozen=True)
class Months:
    """``names``: the months, as YYYY-MM, the earliest first, the last one perhaps not over. ``counts``: of each
    indicator, how many in each month."""

    names: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]


def by_month(rows: HalfYearRows, joined: Sequence[Joined]) -> Months:
    """The year that ends with the half-year, or with the month that lasts; without months before the node began."""
    names = _months_to(rows.moment, rows.half.end, rows.began_at)
    first = first_versions(rows)
    dated: dict[str, Iterable[str | None]] = {
        "exhibits_entered": (at for (issuer, _), at in first.items() if issuer == rows.node_id),
        "exhibits_received": (at for (issuer, _), at in first.items() if rows.column(issuer) in rows.columns),
        "leads": (item.first_at for item in joined),
        "confirmed_hits": (item.confirmed_at for item in joined),
    }
    counted = {name: Counter(at[:7] for at in found if at and at < rows.moment) for name, found in dated.items()}
    return Months(names, {name: tuple(found[month] for month in names) for name, found in counted.items()})


def _months_to(moment: str, end: str, began_at: str | None) -> tuple[str, ...]:
    """``moment`` is exclusive where it is the end of a half-year, which begins a month."""
    last = int(moment[:4]) * 12 + int(moment[5:7]) - 1 - (moment == end)
    names = (f"{number // 12:04}-{number % 12 + 1:02}" for number in range(last - MONTHS + 1, last + 1))
    return tuple(name for name in names if began_at is not None and name >= began_at[:7])


def year_document(
    year: Year, halves: Sequence[Document], exact_halves: Sequence[RestrictedHalf], trend: Sequence[Earlier]
) -> Document:
    """The public edition. ``halves``: those of the year that are approved, the first first, with their exact counts."""
    last, public = halves[-1], public_figures(exact_halves)
    return Document(
        period=year,
        counted_to=last.counted_to,
        begun=halves[0].begun,
        node_id=last.node_id,
        jurisdiction=last.jurisdiction,
        partners=last.partners,
        smallest=min(half.smallest for half in halves),
        terms_h=last.terms_h,
        entered=public.entered,
        stages=public.stages,
        bases=last.bases,
        nodes=_nodes(exact_halves),
        earlier=tuple(trend),
    )


def _nodes(halves: Sequence[RestrictedHalf]) -> tuple[NodeShare, ...]:
    found: dict[str, tuple[str, int, int]] = {}
    for half in halves:
        for item in half.availability:
            _, asked, answered = found.get(item.node, ("", 0, 0))
            found[item.node] = item.jurisdiction, asked + item.asked, answered + item.answered
    own = halves[-1].node
    ordered = sorted(found.items(), key=lambda item: (item[0] != own, item[1][0], item[0]))
    return tuple(
        NodeShare(jurisdiction, name, exact(round(min(answered / asked, 1), 4)) if asked else NO_DATA)
        for name, (jurisdiction, asked, answered) in ordered
    )


_MOST_HALVES = 40
"""Of which the page offers a report: twenty years."""


@dataclass(frozen=True)
class ReportDraft:
    """What would be approved: both editions. Of a half-year also what they were made from, the exact figures, which
    stay in the node."""

    document: Document
    restricted: Restricted
    editions: Editions
    counted: Counted | None = None
    gap: Gap | None = None
    months: Months | None = None

    @property
    def data(self) -> bytes:
        return self.editions.public

    @property
    def sha256(self) -> str:
        return self.editions.sha256


@dataclass(frozen=True, kw_only=True)
class Approved(ApprovedDocument):
    """A report as it was approved: the approval concerns the manifest of both editions."""

    document: Document

    @property
    def data(self) -> bytes:
        return self.editions.public

    @property
    def restricted(self) -> Restricted:
        return read_restricted(self.editions.restricted)


def draft(node: Node, period: Period) -> ReportDraft:
    """Count a half-year, up to its end or, while it lasts, up to now; or add up a year's half-years. The same rows give
    the same bytes.

    Raises NotFound for what has not begun, or for a year of which a half-year is not approved, code "not-approved".
    """
    if period.start > stamp():
        raise NotFound(f"The period {period} has not begun.")
    return _draft_year(node, period) if isinstance(period, Year) else _draft_half(node, period)


def _draft_half(node: Node, half: Half) -> ReportDraft:
    with node.store.read() as session:
        rows = rows_of(session, node, half)
        gap = legal_gap(session, rows)
        joined = joined_cases(rows, node.settings)
        links = linked_cases_of(session, rows, joined)
        before = _approved_before(session, half)
    counted = count(rows, node.settings, joined)
    trend = [Earlier(period, sha256, found.trend) for period, sha256, found in before]
    restricted = restricted_half(
        rows,
        counted,
        gap,
        links,
        smallest=node.settings.monitoring_smallest,
        terms_h=terms_in_force(node.settings),
        secret=node.keys.nonce_secret,
        known=node.jurisdictions,
    )
    document = document_of(rows, restricted, gap, trend)
    return ReportDraft(
        document, restricted, _editions(node, document, restricted), counted, gap, by_month(rows, joined)
    )


def _draft_year(node: Node, year: Year) -> ReportDraft:
    expected = [half for half, _ in halves(node) if half.year == year.year]
    with node.store.read() as session:
        parts = [(half, find_approved_row(session, ApprovedKind.REPORT, str(half))) for half in sorted(expected)]
        before = _approved_before(session, year)
    missing = [str(half) for half, found in parts if found is None]
    if missing or not parts:
        raise NotFound(
            f"The year {year} is the sum of its half-years. Not approved in two editions: "
            f"{', '.join(missing) or year}. The head approves these first: ffp report --half HALF --approve SHA256",
            code="not-approved",
        )
    exact = [restricted for _, found in parts if found is not None for restricted in [_half_in(found)]]
    documents = [read_document(found.public) for _, found in parts if found is not None]
    trend = [Earlier(period, sha256, found.trend) for period, sha256, found in before]
    document = year_document(year, documents, exact, trend)
    restricted = restricted_year(year, exact, node.keys.nonce_secret, node.jurisdictions)
    return ReportDraft(document, restricted, _editions(node, document, restricted))


def _editions(node: Node, document: Document, restricted: Restricted) -> Editions:
    return editions(
        ApprovedKind.REPORT,
        str(document.period),
        node.node_id,
        node.settings.jurisdiction,
        write_document(document, node.jurisdictions),
        write_restricted(restricted),
    )


def approve_report(node: Node, maker: Maker, period: Period, sha256: str, because: str) -> str:
    """Approve both editions of a half-year or year that is over, for release. Returns the statement's id.

    1. Make them anew: what is approved is what was shown, the digest of whose manifest is ``sha256``.
    2. Sign an approval of the manifest, and keep both editions with it.

    It is approved once: a second version beside the first would tell by their difference what either holds back.
    Raises Conflict, code "half-not-over", "other-figures", "decided"; NotFound for one of which there is no data;
    InvalidInput.
    """
    # 1.
    if period not in [known for known, _ in periods(node)]:
        raise NotFound(f"There is no data of the period {period}.")
    if period.end > stamp():
        raise Conflict(f"The period {period} is not over before {period.end}.", code="half-not-over")
    found = draft(node, period)
    if found.sha256 != sha256:
        raise Conflict("The figures are others by now. Read them again, then approve.", code="other-figures")
    read_restricted(found.editions.restricted)  # what nobody could read is not approved

    # 2.
    return approve_document(node, maker, ApprovedKind.REPORT, str(period), found.editions, because).approval


def find_approved(node: Node, period: Period) -> Approved | None:
    """The report as it was approved; None while it is not."""
    with node.store.read() as session:
        approved = find_approval(session, ApprovedKind.REPORT, str(period))
    return None if approved is None else Approved(document=read_document(approved.editions.public), **vars(approved))


def released(node: Node, period: Period) -> Approved:
    """What may be handed out of a half-year or year. Raises NotFound, code "not-approved"."""
    found = find_approved(node, period)
    if found is None:
        raise NotFound(
            f"The report of {period} is not approved for release. {approve_next(period)}", code="not-approved"
        )
    return found


def approve_next(period: Period) -> str:
    """What the head does about a report that is not approved."""
    if period.end > stamp():
        return f"It can be approved once the period is over, from {period.end[:10]} on."
    return (
        f"The head reads it (ffp report --half {period} --draft --form pdf --out draft.pdf) and approves it: on the "
        f"page Monitoring, or with ffp report --half {period} --approve SHA256 --as HEAD --because WHY."
    )


def halves(node: Node) -> list[tuple[Half, bool]]:
    """Each half-year since the node began, the newest first, and whether its report is approved."""
    with node.store.read() as session:
        began = begun_at(session, node.node_id)
        approved = approved_periods(session, ApprovedKind.REPORT)
    return [(half, str(half) in approved) for half in halves_since(began)]


def halves_since(began: str | None) -> list[Half]:
    """Each of which a node that began then has a report, the one that lasts first."""
    half, found = Half.of(datetime.fromisoformat(stamp())), list[Half]()
    while began is not None and half.end > began and len(found) < _MOST_HALVES:
        found.append(half)
        half = half.before()
    return found


def periods(node: Node) -> list[tuple[Period, bool]]:
    """Each half-year since the node began, the newest first, and whether its report is approved; behind each second
    half-year that is over, its year."""
    with node.store.read() as session:
        approved = approved_periods(session, ApprovedKind.REPORT)
    found: list[tuple[Period, bool]] = []
    for half, is_approved in halves(node):
        if half.number == 2 and half.end <= stamp():
            year = Year(half.year)
            found.append((year, str(year) in approved))
        found.append((half, is_approved))
    return found


def _half_in(found: ApprovedRow) -> RestrictedHalf:
    edition = read_restricted(found.restricted)
    if not isinstance(edition, RestrictedHalf):
        raise TypeError("a half-year's edition is no year's")
    return edition


def _approved_before(session: Session, period: Period) -> Sequence[tuple[str, str, Document]]:
    """The public editions that were approved of earlier periods of the same kind, the first first, with the digest that
    each approval concerns."""
    return [
        (row.period, row.sha256, read_document(row.public))
        for row in approved_rows(session, ApprovedKind.REPORT)
        if row.period < str(period) and is_year(row.period) == isinstance(period, Year)
    ]
