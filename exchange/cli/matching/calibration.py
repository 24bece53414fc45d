"""What a score is worth: make a calibration model, and apply one to a comparison."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.acting import actor_of
from exchange.cli.matching.console import one_thread, progress_bars, refuse, refuse_unwritable
from exchange.cli.node_commands import Home
from exchange.cli.opening import opened_here
from exchange.cli.tables import print_facts
from exchange.home import resolve_home

if TYPE_CHECKING:
    from matcher import Comparison
    from matcher.likelihood.calibration_file import CalibrationModels
    from matcher.likelihood.calibration_model import ReferencePopulation
    from matcher.likelihood.mark_limits import Extents, MarkLimits
    from matcher.likelihood.ratio import LikelihoodRatio, NoValidatedLR
    from schemas import Calibre

    _Ratio = LikelihoodRatio | NoValidatedLR

_BREECH_FACE = "breech_face"
_FOREIGN = "another program"
"""The matcher version of a table of scores: no comparison of ours has it, so none is judged by such a model."""


def calibrate(
    folder: Annotated[Path | None, typer.Argument(help="The folder of x3p scans.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The model file to write.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The data set's name.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", help="In words: which firearms, cartridges, scans.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="CSV file with the columns scan and firearm; goes with the folder.")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="Instead: CSV file with weapon1, weapon2, hypothesis and a score.")
    ] = None,
    column: Annotated[str, typer.Option("--column", help="The score's column in that file.")] = "score",
    calibre: Annotated[list[str] | None, typer.Option("--calibre", help="Of the exhibits; may be repeated.")] = None,
    region: Annotated[
        str, typer.Option("--region", help="Of a table of scores; scans are of breech faces.")
    ] = _BREECH_FACE,
    whole_marks_only: Annotated[
        bool, typer.Option("--whole-marks-only", help="No models for parts of marks: a fifth of the time.")
    ] = False,
    own: Annotated[bool, typer.Option("--own", help="Instead: the test fires of a node, of known firearm.")] = False,
    install: Annotated[
        bool, typer.Option("--install", help="With --own: put the models into the node's home and settings.")
    ] = False,
    acting: Annotated[
        str | None, typer.Option("--as", help="With --install: the user who does it. Default: the console.")
    ] = None,
    home: Home = None,
) -> None:
    """Make calibration models from scans, or one from a table of scores, of known firearm: what is a score worth?

    Scans give a model for whole marks, one for a part with a whole mark, and one for parts, made on parts of the
    scans. Each is fitted leaving one firearm out, and bounded; see docs/likelihood-ratio.md. With --own the scans are
    the node's own test fires that name their firearm; name, description and calibres follow from their records.
    """
    one_thread()
    from exchange.extras.known import require_extra

    require_extra("evaluation", "Calibration")
    if own:
        stated = (folder, truth, scores, name, description, calibre)
        if any(one is not None for one in stated) or region != _BREECH_FACE:
            refuse("--own takes scans, firearms, name and calibres from the node's records: name none of them")
        if out is None and not install:
            refuse("name the model file to write with --out, or --install the models in the node")
        _calibrate_own(resolve_home(home), out, acting if install else None, whole_marks_only, install=install)
        return
    if install or acting is not None:
        refuse("--install goes with --own; any other model is named by the setting calibration")
    if out is None or name is None or description is None:
        refuse("name the model file to write with --out, and the data with --name and --description")
    if [folder is None, truth is None, scores is None] not in ([False, False, True], [True, True, False]):
        refuse("name a folder with its --truth, or a table with --scores")
    refuse_unwritable(out)
    if folder is not None and region != _BREECH_FACE:
        refuse(f"scans are compared as breech faces: for the {region}, name a table of its scores with --scores")
    calibres = tuple(known.value for known in _calibres(calibre or []))
    said: dict[str, Any] = {"name": name, "description": description, "region": _region(region), "calibres": calibres}
    said["made_on"] = datetime.now(UTC).date().isoformat()
    missing: Mapping[str, str] = {}
    with progress_bars() as show:
        if scores is not None:
            models = _of_table(scores, column, said, show)
        elif folder is not None and truth is not None:
            models, missing = _of_folder(folder, truth, said, whole_marks_only, show)
    _write(out, models)
    _print_models(str(out), models, missing)


def read_judge(path: Path, calibre: str) -> Callable[[Comparison, Sequence[tuple[float, float]], Extents], _Ratio]:
    """What says the worth of a comparison of two scans with these spacings (um) and marks, both of one calibre."""
    from matcher import MatcherError
    from matcher.likelihood.calibration_file import read_calibration
    from matcher.likelihood.ratio import PairConditions, likelihood_ratio
    from schemas.vocabulary import Modality, RegionOfInterest

    [known] = _calibres([calibre])
    try:
        models = read_calibration(path)
    except (MatcherError, OSError) as error:
        refuse(f"{path}: {error.strerror if isinstance(error, OSError) else error}")

    def judge(comparison: Comparison, spacings_um: Sequence[tuple[float, float]], marks: Extents) -> _Ratio:
        conditions = PairConditions(
            region=RegionOfInterest.BREECH_FACE,
            modality=Modality.TOPOGRAPHY,
            calibres=(known, known),
            lateral_resolutions_um=tuple(float(step) for spacing in spacings_um for step in spacing),
            matcher_version=comparison.matcher_version,
            parameters_digest=comparison.parameters_digest,
            marks=marks,
        )
        return likelihood_ratio(models, comparison.score, conditions)

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


def _calibrate_own(home: Path, out: Path | None, acting: str | None, whole_marks_only: bool, *, install: bool) -> None:
    from exchange.flows.truth.install_model import install_model
    from exchange.flows.truth.own_model import make_own_models
    from schemas.vocabulary import Role

    if out is not None:
        refuse_unwritable(out)
    with opened_here(home) as node:
        by = actor_of(node, acting, Role.EXAMINER, Role.HEAD, Role.OPERATOR)
        with progress_bars() as show:
            made = make_own_models(node, whole_marks_only=whole_marks_only, show=show)
        if out is not None:
            _write(out, made.models)
        installed = install_model(node, by, made.models) if install else None
    _print_models(str(out or installed), made.models, made.missing)
    for sentence in made.told:
        typer.echo(sentence)
    if installed is not None:
        typer.echo(f"Installed: {installed}. A node that runs takes it when it is started anew.")
    else:
        typer.echo("Not installed: ffp calibrate --own --install, or the setting calibration.")


def _write(out: Path, models: CalibrationModels) -> None:
    try:
        out.write_text(models.to_json(), encoding="utf-8")
    except OSError as error:
        refuse(f"{out} cannot be written: {error.strerror}")


def _of_folder(
    folder: Path, truth: Path, said: dict[str, Any], whole_marks_only: bool, show: Callable[[str, int, int], None]
) -> tuple[CalibrationModels, Mapping[str, str]]:
    from matcher import DEFAULT_PARAMETERS, MATCHER_VERSION
    from matcher.evaluate.reference_models import make_models
    from matcher.evaluate.run_evaluation import read_truth
    from matcher.likelihood.scored_pairs import DataDescription

    data = DataDescription(
        n_scans=len(read_truth(truth)),
        matcher_version=MATCHER_VERSION,
        parameters_digest=DEFAULT_PARAMETERS.digest,
        **said,
    )
    made = make_models(folder, truth, data, whole_marks_only=whole_marks_only, progress=show)
    return made.models, made.missing


def _of_table(
    table: Path, column: str, said: dict[str, Any], show: Callable[[str, int, int], None]
) -> CalibrationModels:
    from matcher.likelihood.calibrate import calibrate as make_model
    from matcher.likelihood.calibration_file import CalibrationModels
    from matcher.likelihood.scored_pairs import DataDescription, read_score_table

    pairs = read_score_table(table, column)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    data = DataDescription(n_scans=None, matcher_version=_FOREIGN, parameters_digest=digest, **said)
    model = make_model(pairs, data.population(pairs), partial(show, "leaving one firearm out"))
    return CalibrationModels.of(model)


def _region(written: str) -> str:
    from schemas.vocabulary import RegionOfInterest

    if written not in set(RegionOfInterest):
        refuse(f"the region {written} is none of {', '.join(RegionOfInterest)}")
    return written


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
        f"{population.name}: {population.description}; {population.region}, {population.modality}, {population.marks},"
        f" {calibres}, {where}; {population.n_firearms} firearms, {population.n_km} KM and {population.n_knm} KNM pairs"
    )


def _marks_in_words(limits: MarkLimits | None) -> str:
    if limits is None:
        return "not known: it judges no pair"
    words = [f"at least {limits.smaller_mm2:.2f} mm2, directedness {limits.directedness:.2f}"]
    if limits.one_sidedness is not None:
        rounder, other = limits.one_sidedness
        words.append(
            f"{limits.share:.2f} of the larger mark's area, one-sidedness at most {rounder:.2f} and {other:.2f}"
        )
    return "; ".join(words)


def _print_models(out: str, models: CalibrationModels, missing: Mapping[str, str]) -> None:
    for model in models.models:
        population = model.population
        facts = {
            "reference population": _in_words(population),
            "marks": _marks_in_words(population.limits),
            "Cllr, Cllr_min": f"{model.cllr:.4f}, {model.cllr_min:.4f} (leaving one firearm out)",
            "bounds": f"{_lr(model.lower)} to {_lr(model.upper)}",
            "independent firearms (KM)": f"{model.independent_km:.0f}",
            "independent pairs of firearms (KNM)": f"{model.independent_knm:.1f}",
            "score at the bounds": f"{model.scores[0]:.4g}, {model.scores[-1]:.4g}",
        }
        print_facts(facts.items(), title=f"{out}: {population.marks}")
    if not models.widest.population.calibres:
        typer.echo("No --calibre was named: the model judges no pair.")
    for marks, why in missing.items():
        typer.echo(f"No model for {marks}: {why}.")
    typer.echo(f"digest {models.digest[:12]}")
