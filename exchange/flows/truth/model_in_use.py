"""By which model this node gives likelihood ratios, and what it was made on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from exchange.clock import stamp
from exchange.flows.node.likelihood_ratio import is_of_this_release
from exchange.flows.node.node import Node


@dataclass(frozen=True)
class ModelInUse:
    """The model for whole marks, of which a file has one at least. ``since``: when its file was put there, None where
    that is gone; ``cllr`` in bits, ``lower`` and ``upper`` as log10."""

    name: str
    description: str
    made_on: str
    since: str | None
    digest: str
    n_firearms: int
    n_km: int
    n_knm: int
    cllr: float
    lower: float
    upper: float
    of_this_release: bool


def model_in_use(node: Node) -> ModelInUse | None:
    """None where this node gives no likelihood ratios. What all firearms of the file stand behind: not a model of some
    calibres alone."""
    models, named = node.calibration, node.settings.calibration
    if models is None or named is None:
        return None
    from matcher.likelihood.calibration_model import WHOLE_MARKS

    model = max(models.models, key=lambda one: (one.population.marks == WHOLE_MARKS, one.population.n_firearms))
    path = node.settings.home / named
    since = stamp(datetime.fromtimestamp(path.stat().st_mtime, UTC)) if path.is_file() else None
    of = model.population
    return ModelInUse(
        name=of.name,
        description=of.description,
        made_on=of.made_on,
        since=since,
        digest=models.digest,
        n_firearms=of.n_firearms,
        n_km=of.n_km,
        n_knm=of.n_knm,
        cllr=model.cllr,
        lower=model.lower,
        upper=model.upper,
        of_this_release=is_of_this_release(models),
    )
