"""Scans of known firearm, without a node: how well the scores tell firearms apart, and the dossier that says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from exchange.cli.matching.console import one_thread, progress_bars, refuse, refuse_unwritable
from exchange.cli.tables import print_facts

if TYPE_CHECKING:
    from matcher.evaluate.evaluation_figures import Evaluation


def evaluate(
    folder: Annotated[Path, typer.Argument(help="The folder of x3p scans.")],
    truth: Annotated[Path, typer.Option("--truth", help="CSV file with the columns scan and firearm.")],
    json_path: Annotated[Path | None, typer.Option("--json", help="Write figures and every pair's score here.")] = None,
    rotate: Annotated[int | None, typer.Option("--rotate", min=0, help="Turn each scan at random; the seed.")] = None,
    noise: Annotated[
        float, typer.Option("--noise", help="Add noise: its deviation, in robust deviations of the mark's heights.")
    ] = 0.0,
    noise_correlation: Annotated[
        float, typer.Option("--noise-correlation", help="Where its autocorrelation falls to 1/e, in um; 0: white.")
    ] = 0.0,
    crop: Annotated[
        float | None, typer.Option("--crop", help="Keep a random sector of this share of each mark; 0.5: one half.")
    ] = None,
    resample: Annotated[
        str, typer.Option("--resample", help="Distance of points in um; several, with commas, go round the scans.")
    ] = "",
    render: Annotated[
        Literal["ring", "side", "side-same", "side-unnoted"] | None,
        typer.Option("--render", help="Draw each scan as a photograph; side: each lit from its own direction."),
    ] = None,
    against: Annotated[
        Literal["topography", "full"] | None,
        typer.Option("--against", help="Compare with the scans as they are; or with whole ones without noise."),
    ] = None,
    cut_side: Annotated[
        float | None,
        typer.Option("--cut-side", help="Take so much of each mark's area off one side, as regions by hand do."),
    ] = None,
    shift: Annotated[
        float, typer.Option("--shift", help="Put the centre of each mark up to so many micrometres off, at random.")
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of noise, crop, cut and shift.")] = 1,
) -> None:
    """Measure how well the scores tell firearms apart, on scans of known firearm, in harder conditions too.

    The options combine: crop, cut, turn, resample, add noise, draw, put off the centre, in this order.
    """
    one_thread()
    from matcher.evaluate.conditions import Conditions
    from matcher.evaluate.run_evaluation import evaluate as evaluate_folder

    try:
        conditions = Conditions(
            crop=crop,
            cut_side=cut_side,
            shift_um=shift,
            rotate=rotate,
            resample_um=_spacings(resample),
            noise=noise,
            noise_correlation_um=noise_correlation,
            render=render,
            against=against,
            seed=seed,
        )
    except ValueError as error:
        refuse(f"{error}; see ffp evaluate --help")
    if json_path is not None:
        refuse_unwritable(json_path)
    with progress_bars() as show:
        evaluation = evaluate_folder(folder, truth, conditions, progress=show)
    if json_path is not None:
        _write(json_path, evaluation.to_json() + "\n")
    _print_evaluation(evaluation)


def validate(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER...", help="Folders of x3p scans, each with truth.csv (columns scan, firearm)."),
    ],
    out: Annotated[Path, typer.Option("--out", help="The dossier to write, as Markdown; JSON is written beside it.")],
    source: Annotated[
        list[str] | None, typer.Option("--source", help="Where a folder's scans come from, in words; one a folder.")
    ] = None,
    licence: Annotated[list[str] | None, typer.Option("--licence", help="Under which licence; one a folder.")] = None,
) -> None:
    """Write the validation dossier: the matcher in a row of conditions, beside its goals. Takes some minutes a folder.

    Several sets of scans stand side by side, and the likelihood ratios of each are held against the others. It holds
    what a laboratory accredited to ISO/IEC 17025 needs: data, method, figures with intervals, conditions where it
    fails, known limits, versions, and how to repeat it.
    """
    if out.suffix == ".json":
        refuse(f"{out} is where the JSON goes: name a file that ends in .md")
    for written in (out, out.with_suffix(".json")):
        refuse_unwritable(written)
    words = {"--source": source or [], "--licence": licence or []}
    for option, said in words.items():
        if len(said) not in (0, len(folders)):
            refuse(
                f"{option} is given {len(said)} times for {len(folders)} folders: give it once for each, in their order"
            )
    one_thread()
    from exchange.extras.known import extra_named
    from matcher.evaluate.dossier import dossier
    from matcher.evaluate.validation import check_sets, validate_matcher

    if not extra_named("evaluation").is_installed:
        typer.echo("Without likelihood ratios: they need ffp extras add evaluation.", err=True)
    made_on = datetime.now(UTC).date().isoformat()
    sources, licences = (said or ["not stated"] * len(folders) for said in words.values())
    with progress_bars() as show:
        check_sets(folders)
        sets = [
            validate_matcher(folder, folder / "truth.csv", source=a, licence=b, made_on=made_on, progress=show)
            for folder, a, b in zip(folders, sources, licences, strict=True)
        ]
    _write(out, dossier(sets))
    plain = out.with_suffix(".json")
    _write(plain, json.dumps({"sets": [one.as_dict() for one in sets]}, indent=1) + "\n")
    results = [result for one in sets for result in one.results]
    missed = sum(bool(trial.goal.missed(found)) for trial, found in results)
    typer.echo(f"{out}, {plain}: {len(results)} conditions, {missed} short of their goals.")


def _spacings(written: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in written.split(",")) if written else ()
    except ValueError:
        raise ValueError(f"--resample takes numbers with commas between them, not {written}") from None


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        refuse(f"{path} cannot be written: {error.strerror}")


def _print_evaluation(evaluation: Evaluation) -> None:
    spent = [(f"CPU, {stage.replace('_', ' ')}", f"{s * 1e3:.4f} ms") for stage, s in evaluation.cpu_s.items()]
    print_facts([*_figures(evaluation).items(), *spent])
    typer.echo("KM: pairs of one firearm; KNM: of two. In brackets: 95 %, firearms drawn anew.")
    for name, reason in evaluation.refused.items():
        typer.echo(f"{name}: {reason}")


def _figures(evaluation: Evaluation) -> dict[str, str]:
    rows = {
        "scans, pairs": f"{evaluation.n_scans}; {evaluation.n_km} KM, {evaluation.n_knm} KNM",
        "AUC": f"{evaluation.auc:.6f}{_interval(evaluation, 'auc')}",
        "EER": f"{evaluation.eer:.6f}{_interval(evaluation, 'eer')}",
        "rank-1": f"{evaluation.rank1:.4f}{_interval(evaluation, 'rank1')}",
        "mAP, recall at 10": f"{evaluation.map:.4f}, {evaluation.recall_at_10:.4f}",
        "lowest KM, highest KNM": f"{evaluation.km_min:.3f}, {evaluation.knm_max:.3f}",
        "overlaps": str(evaluation.overlaps),
        "gap in KNM standard deviations": f"{evaluation.gap_in_knm_deviations:.1f}",
        "variance ratio": f"{evaluation.variance_ratio:.1f}",
        "Cllr (leaving one firearm out)": "no data: needs four firearms, and ffp extras add evaluation",
    }
    if evaluation.cllr is not None:
        rows["Cllr (leaving one firearm out)"] = f"{evaluation.cllr:.3f}{_interval(evaluation, 'cllr')}"
        rows["Cllr_min, gap in log10 LR"] = f"{evaluation.cllr_min:.3f}, {evaluation.log10_lr_gap:.3f}"
    if evaluation.refused:
        missing = f"{evaluation.missing_km} KM, {evaluation.missing_knm} KNM"
        rows["scans refused; pairs missing"] = f"{len(evaluation.refused)}; {missing}"
        rows["AUC, rank-1 with these as score 0"] = (
            f"{evaluation.auc_with_refused:.6f}, {evaluation.rank1_with_refused:.4f}"
        )
    for share in evaluation.auc_by_overlap:
        found = "no pairs" if share.auc is None else f"{share.auc:.4f} ({share.n_km} KM)"
        rows[f"AUC where crops share {share.low:.0%} to {share.high:.0%}"] = found
    for name, value in evaluation.controls.items():
        rows[f"control: {name.removesuffix('_auc').replace('_', ' ')}, AUC"] = f"{value:.3f}"
    return rows


def _interval(evaluation: Evaluation, figure: str) -> str:
    if figure not in evaluation.intervals:
        return ""
    low, high = evaluation.intervals[figure]
    return f" ({low:.4f} to {high:.4f})"
