"""Read the files of nodes' inputs for one half-year: each is verified by itself, then held against the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.pack.signed_inputs import VerifiedInputs, verify_inputs
from exchange.coordination.region_files.report_file import Believed, RefusedFile, ReportRefused
from schemas.errors import shown


@dataclass(frozen=True)
class NamedInputs:
    file: str
    found: VerifiedInputs


@dataclass(frozen=True)
class ReadInputs:
    """By jurisdiction; ``before``: those of the half-year before."""

    now: Mapping[str, VerifiedInputs]
    before: Mapping[str, VerifiedInputs]
    refused: tuple[RefusedFile, ...]


def verify_inputs_files(
    files: Iterable[tuple[str, bytes]], who: Believed
) -> tuple[list[NamedInputs], list[RefusedFile]]:
    """Of any half-year."""
    verified: list[NamedInputs] = []
    refused: list[RefusedFile] = []
    for path_name, data in files:
        name = shown(path_name, 255)  # a sender may have chosen it, and it goes into the pack
        try:
            verified.append(NamedInputs(name, verify_inputs(data, who)))
        except ReportRefused as error:
            refused.append(error.of(name))
    return verified, refused


def inputs_against_each_other(verified: Iterable[NamedInputs], half: Half, reporting: Mapping[str, str]) -> ReadInputs:
    """1. They are of this half-year or an earlier one.
    2. Of one node what its head approved last counts; the same file twice counts once.
    3. Of one jurisdiction one node speaks: the one that reports (``reporting``: node by jurisdiction), else the first.
    What fails is refused by its name.
    """
    refused: list[RefusedFile] = []
    known = sorted(verified, key=lambda item: (-item.found.log_index, item.file))
    of_half: dict[Half, dict[str, NamedInputs]] = {half: {}, half.before(): {}}
    for item in known:
        found = item.found.inputs.half_year
        if found > half:
            refused.append(_refused(item, "other-period", f"These are the inputs of {found}, and {half} is asked for."))
        elif found in of_half:
            _keep(of_half[found], item, reporting, refused)
    now, before = ({code: item.found for code, item in of_half[name].items()} for name in (half, half.before()))
    return ReadInputs(now, before, tuple(refused))


def _keep(
    kept: dict[str, NamedInputs], item: NamedInputs, reporting: Mapping[str, str], refused: list[RefusedFile]
) -> None:
    inputs = item.found.inputs
    code = str(inputs.jurisdiction)
    other = kept.get(code)
    if reporting.get(code, inputs.node) != inputs.node:
        refused.append(_refused(item, "second-node", f"{code} reports by {reporting[code]}, and not by {inputs.node}."))
    elif other is None:
        kept[code] = item
    elif other.found.inputs.node != inputs.node:
        node = other.found.inputs.node
        refused.append(_refused(item, "second-node", f"{code} has inputs of {node} already ({other.file})."))
    elif other.found.sha256 == item.found.sha256:
        refused.append(
            _refused(item, "doubled", f"These are the inputs of {inputs.node} once more, as in {other.file}.")
        )
    else:
        refused.append(
            _refused(
                item, "older-inputs", f"The head of {inputs.node} approved others later, in {other.file}: those count."
            )
        )


_STEPS = {
    "other-period": "Ask the focal point for those of the half-year that is asked for.",
    "second-node": "Ask the focal point which of its nodes speaks for the jurisdiction.",
    "doubled": "Leave one of the two out.",
    "older-inputs": "Leave this file out.",
}


def _refused(item: NamedInputs, code: str, why: str) -> RefusedFile:
    return RefusedFile(item.file, item.found.inputs.node, code, why, _STEPS[code])
