"""The dossier of a validation, in Markdown: what ISO/IEC 17025 (7.2.2) asks a laboratory to keep of a method."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from shlex import quote
from typing import Any

from matcher.areal.cells import find_cells
from matcher.areal.comparison import score_of
from matcher.areal.registration import register
from matcher.evaluate.across_sets import likelihood_ratios_across
from matcher.evaluate.evaluation_figures import Evaluation
from matcher.evaluate.validation import Goal, Trial, Validation
from matcher.mark.clean import band_passed, clean
from matcher.numeric.bootstrap import DRAWS, unseen_failure_rate
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, RELIEF_PARAMETERS, Parameters

_STEPS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("Clean", clean),
    ("Band-pass", band_passed),
    ("Register", register),
    ("Cells", find_cells),
    ("Score", score_of),
)


def describe_method(digest: str) -> str:
    """The section of a dossier, for the parameters' digest that the results carry."""
    relief = ", ".join(
        entry.name
        for entry in fields(Parameters)
        if getattr(RELIEF_PARAMETERS, entry.name) != getattr(DEFAULT_PARAMETERS, entry.name)
    )
    lines = [
        "## Method\n",
        f"Matcher version {MATCHER_VERSION}, parameters `{digest}` (SHA-256 of the version and every value). In the "
        "words of the source:\n",
    ]
    for name, step in _STEPS:
        lines += [f"### {name}\n", inspect.getdoc(step) or "", ""]
    lines += ["### Parameters\n", "| name | value | reason |", "|---|---|---|"]
    why = reasons(Parameters)
    for entry in fields(Parameters):
        value = getattr(DEFAULT_PARAMETERS, entry.name)
        shown = " to ".join(f"{end:g}" for end in value) if isinstance(value, tuple) else str(value)
        lines.append(f"| `{entry.name}` | {shown} | {cell(why.get(entry.name, 'not stated'))} |")
    lines += ["", f"Under ring light these differ: {relief}."]
    return "\n".join(lines)


def reasons(owner: type) -> dict[str, str]:
    """What the source of a class says under each of its fields."""
    body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
    found = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for entry, after in pairwise(statements):
        match entry, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


def cell(text: str) -> str:
    """Text that comes from outside, within one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


_WORST = 5

_HEAD = """\
# Validation of the matcher

Made by `ffp validate`; change it by running the command again. It is meant for the file that a laboratory keeps of a
method (ISO/IEC 17025, 7.2.2); the scope, the requirements of its own work and the decision are the laboratory's."""

_DEFINITIONS = """\
| figure | definition |
|---|---|
| KM, KNM | pairs of scans of one firearm; of two firearms |
| AUC | the probability that a KM pair scores above a KNM pair; a tie counts half |
| rank-1 | the share of scans whose best-scoring other scan is of the same firearm; ties count as failures |
| mAP | mean average precision of each scan's ranked list |
| overlaps | KM pairs at or below the highest KNM, plus KNM pairs at or above the lowest KM |
| gap | lowest KM minus highest KNM, in standard deviations of KNM; negative where they overlap |
| variance ratio | (mean KM - mean KNM)^2 / (variance KM + variance KNM) |
| Cllr | cost of the likelihood ratios in bits, each pair judged by a fit that saw neither of its firearms |

Each unordered pair counts once; where one side is in a condition and the other is not, each ordered pair. Gap and
variance ratio depend on the scale of the score; AUC, rank-1 and overlaps do not."""

_LIMITS = """\
- **The firearms.** The figures hold for firearms, ammunition and instruments like those above. Other makes, wear,
  primers and instruments need their own validation: run the same command on scans of known firearm of your own.
- **The conditions are made, not found.** Crops have straight edges, noise is normal and the same all over a mark,
  photographs are drawn without stains, glints or defocus. Real partial, dirty or photographed marks are harder.
- **No other region.** Firing pin impressions and aperture shears are not validated here.
- **One run of a command.** The score is deterministic; the random parts of the conditions are seeded. Another seed
  gives other crops and noise.
- **No examiner.** The dossier measures how scores rank pairs. It does not measure what examiners conclude from a
  candidate list.
- **Not independent of the development.** Where a public set was at hand during development, it is no blind test."""


def dossier(sets: Sequence[Validation]) -> str:
    """The whole page: each section for one set of scans after the other. A laboratory adds its scope, its people and
    its decision."""
    of_each = (_summary, _figures, _by_overlap, _controls, _failures)
    of_all = (_limits, _method, _software)
    pages = [_HEAD, *(_each(section, sets) for section in of_each)]
    if len(sets) > 1:
        pages.append(_across(sets))
    pages += [_each(_data, sets), *(section(sets[0]) for section in of_all), _repeat(sets), _each(_digests, sets)]
    return "\n\n".join(pages) + "\n"


def _each(section: Callable[[Validation], str], sets: Sequence[Validation]) -> str:
    """A section under one heading, with the name of each set where there are several."""
    if len(sets) == 1:
        return section(sets[0])
    parts = [section(validation).partition("\n\n") for validation in sets]
    named = [f"### {cell(one.data.folder)}\n\n{body}" for one, (_, _, body) in zip(sets, parts, strict=True)]
    return "\n\n".join([parts[0][0], *named])


def _across(sets: Sequence[Validation]) -> str:
    head = (
        "| made on | judged | condition | KM, KNM that get an LR | KM with LR > 1 | KM with LR < 1 | KNM with LR > 10 "
        "| Cllr |\n|---|---|---|---|---|---|---|---|"
    )
    rows = [
        f"| {cell(one.made_on)} | {cell(one.judged)} | {one.condition} | {one.km_judged:.1%}, {one.knm_judged:.1%} | "
        f"{_share(one.km_above_1, 1)} | {_share(one.km_below_1, 1)} | {_share(one.knm_above_10, 2)} | "
        f"{'' if one.cllr is None else f'{one.cllr:.3f}'} |"
        for one in likelihood_ratios_across(sets)
    ]
    note = (
        "The models of a set, for whole marks, for a part with a whole mark and for parts (`ffp calibrate`), held "
        "against each condition of the other set. Shares are of the pairs that get a likelihood ratio (LR): the others "
        'pass a limit of every model, and the answer is "no validated LR" with that limit. The model of parts gives no '
        "LR below 1, since two parts of one mark may show different areas."
    )
    return "\n".join(["## Likelihood ratios of one set on the other\n", head, *rows, "", note])


def _share(found: float | None, digits: int) -> str:
    return "" if found is None else f"{found:.{digits}%}"


def _summary(validation: Validation) -> str:
    data, results = validation.data, validation.results
    missed = [(trial, trial.goal.missed(found)) for trial, found in results]
    short = [f"{trial.name} ({', '.join(names)})" for trial, names in missed if names]
    plain = [found for trial, found in results if trial.goal.separate]
    lines = [
        f"On {validation.made_on} matcher version {MATCHER_VERSION} compared every pair of {len(data.firearms)} scans "
        f"of {data.n_firearms} firearms in {len(results)} conditions. It reached the goals in "
        f"{len(results) - len(short)} of them.",
    ]
    if plain:
        apart = sum(found.overlaps == 0 for found in plain)
        lines.append(
            f"In {apart} of the {len(plain)} runs with whole marks, as they are and turned at random, every pair of "
            "one firearm scored above every pair of two; the smallest gap was "
            f"{min(found.gap_in_knm_deviations for found in plain):.1f} standard deviations of the pairs of two."
        )
    lines.append(f"**Goals missed:** {'; '.join(short)}." if short else "No goal was missed.")
    refused = sum(len(found.refused) for _, found in results)
    lines.append(
        f"{refused} scans were refused as not usable in some condition; their pairs are counted as score 0 in the "
        "judgement."
        if refused
        else "No scan was refused in any condition."
    )
    lines.append(
        f"With {data.n_firearms} firearms, no failure seen still leaves room for failures with up to "
        f"{100 * unseen_failure_rate(data.n_firearms):.0f} % of firearms (upper 95 % limit): an interval of 1 to 1 "
        "says no more than that."
    )
    lines.append("A score ranks candidates for an examiner. It identifies nothing.")
    return "## In short\n\n" + "\n".join(f"- {line}" for line in lines)


def _figures(validation: Validation) -> str:
    head = (
        "| condition | goal | AUC | rank-1 | overlaps | lowest KM / highest KNM | gap | variance ratio | Cllr "
        "| reached |\n"
        "|---|---|---|---|---|---|---|---|---|---|"
    )
    rows = [_row(trial, found) for trial, found in validation.results]
    note = (
        f"In brackets: 95 % intervals by bootstrap over firearms ({DRAWS} draws). KM: pairs of one firearm; KNM: of "
        "two. A condition's goal is judged with the pairs of refused scans counted as score 0. "
        "In every condition but the first, scans are turned at random too: with seed 1 where the name gives no other."
    )
    return "\n".join(["## Figures beside the goals\n", head, *rows, "", note, "", _DEFINITIONS])


def _row(trial: Trial, found: Evaluation) -> str:
    def with_refused(figure: str) -> str:
        return f"; with refused {figure}" if found.refused else ""

    missed = trial.goal.missed(found)
    cllr = "no data" if found.cllr is None else f"{found.cllr:.3f}{_interval(found, 'cllr', 3)}"
    cells = (
        trial.name,
        _goal(trial.goal),
        f"{found.auc:.5f}{_interval(found, 'auc', 4)}" + with_refused(f"{found.auc_with_refused:.5f}"),
        f"{found.rank1:.3f}{_interval(found, 'rank1', 3)}" + with_refused(f"{found.rank1_with_refused:.3f}"),
        str(found.overlaps),
        f"{found.km_min:.3f} / {found.knm_max:.3f}",
        f"{found.gap_in_knm_deviations:.1f}",
        f"{found.variance_ratio:.1f}",
        cllr,
        f"**no**: {', '.join(missed)}" if missed else "yes",
    )
    return f"| {' | '.join(cells)} |"


def _goal(goal: Goal) -> str:
    asked = [f"AUC {goal.auc:g}"]
    if goal.rank1 is not None:
        asked.append(f"rank-1 {goal.rank1:g}")
    if goal.separate:
        asked.append("mAP 1, no overlaps")
    if goal.variance_ratio is not None:
        asked.append(f"variance ratio {goal.variance_ratio:g}")
    if goal.gap_in_knm_deviations is not None:
        asked.append(f"gap {goal.gap_in_knm_deviations:g}")
    if goal.cllr is not None:
        asked.append(f"Cllr at most {goal.cllr:g}")
    return ", ".join(asked)


def _interval(found: Evaluation, figure: str, digits: int) -> str:
    if figure not in found.intervals:
        return ""
    low, high = found.intervals[figure]
    return f" ({low:.{digits}f} to {high:.{digits}f})"


def _by_overlap(validation: Validation) -> str:
    lines = [
        "## Two partial marks: how much they share\n",
        "Two random parts of a mark may share nothing, and then nothing can be found. What they share is known from "
        "the whole scans. AUC of these pairs of one firearm against all pairs of two:\n",
    ]
    for trial, found in validation.results:
        if found.auc_by_overlap:
            lines += [f"| {trial.name}: share of the smaller part | KM pairs | AUC |", "|---|---|---|"]
            lines += [
                f"| {share.low:.0%} to {share.high:.0%} | {share.n_km} | "
                f"{'no pairs' if share.auc is None else f'{share.auc:.4f}'} |"
                for share in found.auc_by_overlap
            ]
    return "\n".join(lines) if len(lines) > 2 else "\n".join([*lines, "No such condition was run."])


def _controls(validation: Validation) -> str:
    lines = [
        "## Controls\n",
        "What the pipeline finds where there is no mark: the outline of each mark alone, and random texture inside it. "
        "An AUC near 0.5 means that firearms are not told apart by it.\n",
        "| condition | outline alone, AUC | random texture, AUC |",
        "|---|---|---|",
    ]
    lines += [
        f"| {trial.name} | {found.controls['mask_only_auc']:.3f} | {found.controls['random_texture_auc']:.3f} |"
        for trial, found in validation.results
        if found.controls
    ]
    return "\n".join(lines)


def _failures(validation: Validation) -> str:
    lines = ["## Where it fails\n"]
    for trial, found in validation.results:
        lines += _failures_of(trial, found)
    if len(lines) == 1:
        lines.append("In none of these conditions did a pair of one firearm score at or below a pair of two.")
    return "\n".join(lines)


def _failures_of(trial: Trial, found: Evaluation) -> Iterator[str]:
    low = [
        pair
        for pair in sorted(found.pairs, key=lambda pair: pair.score)
        if found.firearms[pair.a] == found.firearms[pair.b] and pair.score <= found.knm_max
    ]
    if low:
        worst = "; ".join(f"{pair.a} with {pair.b} ({pair.score:.3f})" for pair in low[:_WORST])
        more = f", the lowest {_WORST} of them" if len(low) > _WORST else ""
        yield (
            f"- **{trial.name}**: {len(low)} of {found.n_km} pairs of one firearm score no higher than the highest "
            f"pair of two ({found.knm_max:.3f}){more}: {worst}."
        )
    if found.refused:
        name, why = next(iter(found.refused.items()))
        yield (
            f"- **{trial.name}**: {len(found.refused)} scans refused ({', '.join(found.refused)}), which leaves "
            f"{found.missing_km} KM and {found.missing_knm} KNM pairs without a score. With these as score 0: AUC "
            f"{found.auc_with_refused:.5f}, rank-1 {found.rank1_with_refused:.3f}. The first of them, {name}: {why}."
        )


def _limits(validation: Validation) -> str:
    del validation  # the limits are those of the method
    return f"## Known limits\n\n{_LIMITS}"


def _data(validation: Validation) -> str:
    data = validation.data
    _, found = validation.results[0]
    fewest, most = data.scans_per_firearm
    low, high = found.lateral_resolution_um
    each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return "\n".join(
        [
            "## Data\n",
            "| what | |",
            "|---|---|",
            f"| source | {cell(data.source)} |",
            f"| licence | {cell(data.licence)} |",
            f"| firearms, scans | {data.n_firearms}; {len(data.firearms)}, {each} of each firearm |",
            f"| pairs | {found.n_km} of one firearm, {found.n_knm} of two |",
            f"| distance of points | {low:.4g} to {high:.4g} um |",
            f"| truth | `{data.truth}`, SHA-256 `{data.truth_digest}` |",
            "| files | SHA-256 of each at the end of this page |",
        ]
    )


def _method(validation: Validation) -> str:
    return describe_method(validation.results[0][1].parameters_digest)


def _software(validation: Validation) -> str:
    rows = [f"| {name} | {version} |" for name, version in validation.software.items()]
    return "\n".join(["## Software\n", "| what | version |", "|---|---|", *rows])


def _repeat(sets: Sequence[Validation]) -> str:
    data, folders = sets[0].data, " ".join(one.data.folder for one in sets)
    options = " \\\n".join(
        f"    --source {quote(' '.join(one.data.source.split()))} --licence {quote(' '.join(one.data.licence.split()))}"
        for one in sets
    )
    return "\n".join(
        [
            "## How to repeat it\n",
            f"With the files of the digests below, and each set's truth.csv, in `{folders}`:\n",
            "```sh",
            f"ffp validate {folders} --out docs/validation.md \\",
            options,
            "```\n",
            "A single condition, with every pair's score:\n",
            "```sh",
            f"ffp evaluate {data.folder} --truth {data.folder}/{data.truth} --rotate 1 --crop 0.5 --against full \\",
            "    --json half.json",
            "```\n",
            "On one machine the figures come out the same to the last digit; on another, rounding may change the last "
            "digits of scores.",
        ]
    )


def _digests(validation: Validation) -> str:
    rows = [
        f"| {cell(name)} | {cell(validation.data.firearms[name])} | `{digest}` |"
        for name, digest in validation.data.digests.items()
    ]
    return "\n".join(["## Files\n", "| scan | firearm | SHA-256 |", "|---|---|---|", *rows])
