"""The nodes that every trial begins with, made once for each process, and where the results are kept."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.observers.coverage import Coverage
from tests.observers.secrets_of_reviews import prepared
from tests.observers.trial import Outcome
from tests.observers.world import Base, make_base

REPORT = "FFP_OBSERVERS_REPORT"


@pytest.fixture(scope="module", autouse=True)
def _logs_where_pytest_keeps_them() -> Iterator[None]:
    """And only what nobody foresaw: jobs that a trial makes fail would be thousands of lines."""
    before = structlog.get_config()
    structlog.configure(
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
    )
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return make_base(tmp_path_factory.mktemp("base") / "nodes")


@pytest.fixture(scope="session")
def reviewed(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The base with pairs that may be concluded on."""
    return prepared(base, tmp_path_factory.mktemp("reviewed") / "nodes")


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Callable[[Outcome], None]:
    """Adds an outcome to the report, a file of JSON, where $FFP_OBSERVERS_REPORT names one."""

    def add(outcome: Outcome) -> None:
        named = os.environ.get(REPORT)
        if named:
            _add(Path(named), request.node.name, outcome)

    return add


def _add(path: Path, name: str, outcome: Outcome) -> None:
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # processes of one run write to one file
        file.seek(0)
        kept: dict[str, Any] = json.loads(file.read() or '{"trials": {}, "coverage": {}}')
        kept["trials"][name] = {"steps": len(outcome.lines[0]), "differences": list(map(str, outcome.differences))}
        coverage = Coverage.of(kept["coverage"].get(outcome.observer, {}))
        coverage.add(outcome.coverage)
        kept["coverage"][outcome.observer] = coverage.as_dict()
        file.truncate(0)
        file.write(json.dumps(kept, indent=1, sort_keys=True))


@pytest.fixture
def trial_folder(tmp_path: Path) -> Iterator[Path]:
    """Emptied at once: a hundred trials leave too much."""
    yield tmp_path
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
