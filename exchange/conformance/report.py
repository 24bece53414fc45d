"""What a run is told as: each finding as it comes, a summary, and all of it as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from exchange.clock import stamp
from exchange.conformance.check import Check, CheckResult, Part, Verdict
from exchange.conformance.guest.guest import Guest
from exchange.conformance.suite import ALL_CHECKS
from exchange.conformance.visit import NEEDS_A_GUEST

_STYLES = {Verdict.KEPT: "green", Verdict.NOT_KEPT: "bold red", Verdict.NOT_TRIED: "yellow"}
_PARTS = {
    Part.STRANGER: "As somebody that the node does not know",
    Part.READER: "As a peer that reads its lane at the node",
    Part.OWNER: "As a peer whose lane the node reads",
}


def print_checks(console: Console) -> None:
    """Every check: what the contract asks, where, how it is tried, and what it leaves behind."""
    for part in Part:
        console.print(Text(f"\n{_PARTS[part]}", style="bold"))
        for check in (check for check in ALL_CHECKS if check.part is part):
            console.print(Text(f"  {check.name}"))
            traces = f" Leaves behind: {check.traces}." if check.traces else ""
            for line in (f"{check.asks} [{check.source}]", f"Tried by: {check.how}.{traces}"):
                console.print(Padding(Text(line, style="dim"), (0, 0, 0, 6)))


def print_introduction(console: Console, guest: Guest, wait_s: float) -> None:
    """How the operator of the tested node enrols the guest, and what that means."""
    node, tested = guest.node, guest.tested
    console.print(
        Text(
            f"\nThis test's peer is {node.node_id}, of {node.jurisdictions.name(node.settings.jurisdiction)}. "
            f"Within {wait_s:.0f} s enrol it on {tested.issuer}:\n"
        )
    )
    for footnote in node.jurisdictions.footnotes([node.settings.jurisdiction]):
        console.print(Text(f"{footnote}\n", style="dim"))
    command = f'ffp peer add {node.settings.url} --legal-basis "Conformance test" --fingerprint "{guest.fingerprint}"'
    console.print(Text(f"    {command}"), soft_wrap=True)
    console.print(
        Text(
            f"\nWhile it is enrolled it is given what {tested.issuer} shares with "
            f"{node.jurisdictions.name(node.settings.jurisdiction)}: choose a jurisdiction that no record names, or "
            "that no line of the policy lets have anything. It "
            "leaves made-up records and items in quarantine behind; --list says which check leaves what.\n"
        )
    )


def print_finding(console: Console, number: int, finding: CheckResult) -> None:
    if finding.evidence == NEEDS_A_GUEST:  # told once, in the summary
        return
    line = Text(f"{number:3} ")
    line.append(f"{finding.verdict:<9} ", _STYLES[finding.verdict])
    line.append(finding.check.name)
    console.print(line)
    if finding.verdict is Verdict.NOT_KEPT:
        console.print(Padding(Text(f"asked: {finding.check.asks} [{finding.check.source}]"), (0, 0, 0, 14)))
        console.print(Padding(Text(f"tried: {finding.check.how}."), (0, 0, 0, 14)))
    console.print(Padding(Text(finding.evidence, style="dim"), (0, 0, 0, 14)))


def print_summary(console: Console, url: str, findings: Sequence[CheckResult], guest: str | None) -> None:
    counted = Counter(finding.verdict for finding in findings)
    numbers = ", ".join(f"{counted[verdict]} {verdict}" for verdict in Verdict)
    console.print(Text(f"\n{url}: {numbers}.", style="bold"))
    broken = [finding.check.name for finding in findings if finding.verdict is Verdict.NOT_KEPT]
    if broken:
        console.print(Text(f"Not kept: {', '.join(broken)}."))
    if any(finding.evidence == NEEDS_A_GUEST for finding in findings):
        console.print(
            Text("What was not tried needs an enrolled peer: give --as, and where it is to be reached, --listen.")
        )
    if guest is not None:
        console.print(
            Text(
                f"\nNow end the test on the tested node: ffp peer revoke {guest}\nWhat stays there: the revoked peer "
                "with its two heads, the items in quarantine, and the hashes of what was withdrawn."
            )
        )


def write_json(path: Path, url: str, findings: Sequence[CheckResult]) -> None:
    told: dict[str, Any] = {
        "url": url,
        "at": stamp(),
        "kept": all(finding.verdict is not Verdict.NOT_KEPT for finding in findings),
        "checks": [
            {**_told(finding.check), "verdict": finding.verdict, "evidence": finding.evidence} for finding in findings
        ],
    }
    path.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _told(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "as": check.part,
        "asks": check.asks,
        "source": check.source,
        "how": check.how,
        "traces": check.traces,
    }
