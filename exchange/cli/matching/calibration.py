"""What a score is worth: make a calibration model, and apply one to a comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.matching.console import one_thread, progress_bars, refuse

if TYPE_CHECKING:
    from matcher import Comparison
    from matcher.likelihood.calibrate import ScoredPairs
    from matcher.likelihood.calibration_model import CalibrationModel, ReferencePopulation
    from matcher.likelihood.ratio import LikelihoodRatio, NoValidatedLR
    from schemas import Calibre

    _Ratio = LikelihoodRatio | NoValidatedLR

_FOREIGN = "another program"
"""The matcher version of a table of scores: no comparison of ours has it, so none is judged by such a model."""

_ROUNDING = 0.01
"""Instruments round the distance of their points: a population reaches so much beyond what was measured."""


def calibrate(
    out: Annotated[Path, typer.Option("--out", help="The model file to write.")],
    name: Annotated[str, typer.Option("--name", help="The data set's name.")],
    description: Annotated[str, typer.Option("--description", help="In words: which firearms, cartridges, scans.")],
    folder: Annotated[Path | None, typer.Argument(help="The folder of x3p scans.")] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="CSV file with the columns scan and firearm; goes with the folder.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="Instead: CSV file with weapon1, weapon2, hypothesis and a score.")
    ] = None,
    column: Annotated[str, typer.Option("--column", help="The score's column in that file.")] = "score",
    calibre: Annotated[list[str] | None, typer.Option("--calibre", help="Of the exhibits; may be repeated.")] = None,
    region: Annotated[str, typer.Option("--region", help="The region of interest.")] = "breech_face",
) -> None:
    """Make a calibration model from scans, or a table of scores, of known firearm: what is a score worth?

    1. Score every pair of the folder's scans, or read the table.
    2. Describe the reference population.
    3. Leave one firearm out, fit, and bound; see docs/likelihood-ratio.md.
    4. Write the model, and print what it supports.
    """
    one_thread()
    if find_spec("lir") is None:
        refuse("calibration needs lir: install ffp-exchange[evaluation]")
    if [folder is None, truth is None, scores is None] not in ([False, False, True], [True, True, False]):
        refuse("name a folder with its --truth, or a table with --scores")
    from matcher.likelihood.calibrate import calibrate as make_model

    calibres = tuple(known.value for known in _calibres(calibre or []))
    said = {"name": name, "description": description, "calibres": calibres}
    with progress_bars() as show:
        # 1.
        if scores is not None:
            pairs, measured = _of_table(scores, column)
        elif folder is not None and truth is not None:
            pairs, measured = _of_folder(folder, truth, show)

        # 2.
        population = _population(pairs, region, {**said, **measured})

        # 3.
        model = make_model(pairs, population, partial(show, "leaving one firearm out"))

    # 4.
    try:
        out.write_text(model.to_json(), encoding="utf-8")
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}")
    _print_model(out, model)


def read_judge(path: Path, calibre: str) -> Callable[[Comparison, Sequence[tuple[float, float]]], _Ratio]:
    """What says the worth of a comparison of two scans with these spacings (um), both of one calibre."""
    from matcher import MatcherError
    from matcher.likelihood.calibration_model import read_calibration
    from matcher.likelihood.ratio import PairConditions, likelihood_ratio
    from schemas.vocabulary import Modality, RegionOfInterest

    [known] = _calibres([calibre])
    try:
        model = read_calibration(path)
    except (MatcherError, OSError) as error:
        refuse(f"{path}: {error.strerror if isinstance(error, OSError) else error}")

    def judge(comparison: Comparison, spacings_um: Sequence[tuple[float, float]]) -> _Ratio:
        conditions = PairConditions(
            region=RegionOfInterest.BREECH_FACE,
            modality=Modality.TOPOGRAPHY,
            calibres=(known, known),
            lateral_resolutions_um=tuple(float(step) for spacing in spacings_um for step in spacing),
            matcher_version=comparison.matcher_version,
            parameters_digest=comparison.parameters_digest,
        )
        return likelihood_ratio(model, comparison.score, conditions)

    return judge


def plain_worth(worth: _Ratio) -> dict[str, Any]:
    """Plain values; without a validated LR ``no_validated_lr`` gives the reason."""
    from matcher.likelihood.ratio import NoValidatedLR

    return {"no_validated_lr": worth.reason} if isinstance(worth, NoValidatedLR) else worth.as_dict()


def worth_in_words(worth: _Ratio) -> dict[str, str]:
    """The rows that a person reads."""
    from matcher.likelihood.ratio import NoValidatedLR

    if isinstance(worth, NoValidatedLR):
        return {"likelihood ratio": f"no validated LR: {worth.reason}"}
    capped = f", at the {worth.capped} bound: the data support nothing beyond it" if worth.capped else ""
    return {
        "likelihood ratio": f"{_lr(worth.log10_lr)}{capped}",
        "in words": worth.verbal,
        "bounds": f"{_lr(worth.lower)} to {_lr(worth.upper)}",
        "reference population": _in_words(worth.population),
    }


def _of_folder(
    folder: Path, truth: Path, show: Callable[[str, int, int], None]
) -> tuple[ScoredPairs, dict[str, object]]:
    from matcher.evaluate.evaluation_figures import scored_pairs
    from matcher.evaluate.run_evaluation import evaluate

    evaluation = evaluate(folder, truth, with_controls=False, progress=show)
    low, high = evaluation.lateral_resolution_um
    return scored_pairs(evaluation.firearms, evaluation.pairs), {
        "lateral_resolution_um": (low * (1.0 - _ROUNDING), high * (1.0 + _ROUNDING)),
        "n_scans": evaluation.n_scans,
        "matcher_version": evaluation.matcher_version,
        "parameters_digest": evaluation.parameters_digest,
    }


def _of_table(table: Path, column: str) -> tuple[ScoredPairs, dict[str, object]]:
    from matcher.likelihood.calibrate import read_score_table

    pairs = read_score_table(table, column)
    return pairs, {
        "lateral_resolution_um": None,
        "n_scans": None,
        "matcher_version": _FOREIGN,
        "parameters_digest": hashlib.sha256(table.read_bytes()).hexdigest(),
    }


def _population(pairs: ScoredPairs, region: str, said: dict[str, Any]) -> ReferencePopulation:
    from matcher.likelihood.calibration_model import CalibrationRefused, ReferencePopulation
    from schemas.vocabulary import Modality, RegionOfInterest

    if region not in set(RegionOfInterest):
        raise CalibrationRefused(f"the region {region} is none of {', '.join(RegionOfInterest)}")
    n_km = int(pairs.same.sum())
    try:
        return ReferencePopulation(
            region=region,
            modality=Modality.TOPOGRAPHY.value,
            n_firearms=pairs.n_firearms,
            n_km=n_km,
            n_knm=len(pairs.same) - n_km,
            made_on=datetime.now(UTC).date().isoformat(),
            **said,
        )
    except ValueError as error:
        raise CalibrationRefused(f"the reference population: {error}") from error


def _calibres(written: list[str]) -> tuple[Calibre, ...]:
    from schemas import ContractError, fold_calibre

    try:
        return tuple(dict.fromkeys(fold_calibre(text) for text in written))
    except ContractError as error:
        refuse(error)


def _lr(log10_lr: float) -> str:
    return f"{10.0**log10_lr:.3g} (log10 {log10_lr:+.2f})"


def _in_words(population: ReferencePopulation) -> str:
    resolution = population.lateral_resolution_um
    where = "resolution not known" if resolution is None else f"{resolution[0]:.4g} to {resolution[1]:.4g} um"
    calibres = ", ".join(population.calibres) or "calibre not stated"
    return (
        f"{population.name}: {population.description}; {population.region}, {population.modality}, {calibres}, {where};"
        f" {population.n_firearms} firearms, {population.n_km} KM and {population.n_knm} KNM pairs"
    )


def _print_model(out: Path, model: CalibrationModel) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=str(out), show_header=False, title_justify="left")
    table.add_row("reference population", _in_words(model.population))
    table.add_row("Cllr, Cllr_min", f"{model.cllr:.4f}, {model.cllr_min:.4f} (leaving one firearm out)")
    table.add_row("bounds", f"{_lr(model.lower)} to {_lr(model.upper)}")
    table.add_row("independent firearms (KM)", f"{model.independent_km:.0f}")
    table.add_row("independent pairs of firearms (KNM)", f"{model.independent_knm:.1f}")
    table.add_row("score at the bounds", f"{model.scores[0]:.4g}, {model.scores[-1]:.4g}")
    table.add_row("digest", model.digest[:12])
    Console().print(table)
