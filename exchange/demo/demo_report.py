"""What the demo prints."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from exchange.demo.deal import jurisdiction_name
from exchange.demo.demo_processes import DemoNode
from exchange.demo.outcome import ListedPair, Outcome
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction

SHOWN_WITHOUT_TRUTH = 20
SHOWN_AFTER_LAST_LINK = 3


def print_header(console: Console, scans: Path | None, seed: int) -> None:
    console.rule("Three Firearms Focal Points: sign, share, correlate")
    if scans is None:
        console.print(
            f"[bold]SYNTHETIC SCANS[/bold]: drawn breech faces of made-up firearms, seed {seed}. "
            "They show that the exchange works; they say nothing about real accuracy.",
            highlight=False,
        )
    else:
        console.print(f"Scans from {scans}, dealt out with seed {seed}.", highlight=False)
    console.print(KOSOVO_FOOTNOTE, style="dim", highlight=False)


def print_outcome(console: Console, outcome: Outcome) -> None:
    """The ranked table, then in words what it shows and what not."""
    table = Table(title="Cross-border candidates, best score first", box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("#", justify="right")
    table.add_column("record")
    table.add_column("other jurisdiction", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("cells", justify="right", no_wrap=True)
    table.add_column("sec", justify="right")
    if outcome.truth_known:
        table.add_column("firearm")
    shown = _shown(outcome)
    for rank, link in enumerate(outcome.links[:shown], start=1):
        table.add_row(*_cells(rank, link, with_truth=outcome.truth_known))
    console.print(table)
    if len(outcome.links) > shown:
        console.print(f"... and {len(outcome.links) - shown} pairs that rank lower.", style="dim")
    console.print(
        "Cells: congruent of all. Sec: seconds from the later submission to the candidate. "
        "A score ranks candidates; it identifies nothing."
    )
    console.print(
        f"{len(outcome.submitted)} scans, {outcome.expected} pairs across a border, {outcome.dropped} dropped, "
        f"{outcome.disagreeing} with scores that differ between nodes; "
        f"median {outcome.median_seconds:.1f} s to a candidate."
    )
    if outcome.truth_known:
        style = "bold green" if outcome.found == outcome.possible and not outcome.wrong_above else "bold red"
        console.print(
            f"Of {outcome.possible} possible cross-border links {outcome.found} were found above every pair of "
            f"different firearms; {outcome.wrong_above} wrong pairs stand above a true one.",
            style=style,
        )
    if not outcome.complete:
        console.print("Pairs were dropped or scored differently: that is a fault. Run again with --keep.", style="red")


def print_kept(console: Console, nodes: list[DemoNode]) -> None:
    """Where the nodes are, and a line to copy."""
    console.rule("The nodes stay up. Ctrl-C ends them and removes their folders")
    for node in nodes:
        name = jurisdiction_name(node.jurisdiction)
        console.print(f"{name}: {node.url}  folder {node.home}", highlight=False, soft_wrap=True)
        for role, token in node.tokens.items():
            console.print(f"    {role:<13}{token}", highlight=False, soft_wrap=True)
    first = nodes[0]
    token = first.tokens[next(role for role in first.tokens if role == "investigator")]
    console.print(f"\nTry: curl -H 'Authorization: Bearer {token}' {first.url}/v1/candidates", soft_wrap=True)
    if any(node.jurisdiction == Jurisdiction.XK for node in nodes):
        console.print(KOSOVO_FOOTNOTE, style="dim", highlight=False)


def _shown(outcome: Outcome) -> int:
    true = [place for place, link in enumerate(outcome.links) if link.same_firearm]
    return true[-1] + 1 + SHOWN_AFTER_LAST_LINK if true else SHOWN_WITHOUT_TRUTH


def _cells(rank: int, link: ListedPair, *, with_truth: bool) -> list[str]:
    truth = {True: "same", False: "different", None: "not known"}[link.same_firearm]
    return [
        str(rank),
        link.a.scan.case_reference,
        f"{link.b.scan.case_reference} {jurisdiction_name(link.b.scan.jurisdiction)}",
        f"{link.score:.3f}" if link.not_validated is None else f"{link.score:.3f}, not validated",
        "not known" if link.cells is None else f"{link.congruent_cells} of {link.cells}",
        f"{link.seconds:.1f}",
        *([truth] if with_truth else []),
    ]
