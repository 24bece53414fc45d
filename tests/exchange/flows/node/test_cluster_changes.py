"""Real Dask workers, processes of their own, that come and go while a query is answered: the answer is the same."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import matcher
from exchange.errors import ComputeAway
from exchange.flows.node import cluster, cluster_tasks
from exchange.flows.node.cluster import Cluster, count_workers, executor_on
from exchange.flows.node.cluster_tasks import WithHelpHere
from matcher import Filters, Gallery, GalleryWriter, Prepared, Reference, prepare
from matcher.gallery import gallery_tasks as tasks
from matcher.synthetic import breech_face

REFERENCES = 400
ROOT = Path(__file__).parents[4]

STRANGER = "import matcher\nmatcher.MATCHER_VERSION = '1'\n"
BLIND = """
from matcher.gallery.shard import Shard


def no_folder(*_):
    raise FileNotFoundError(2, "the folder of the galleries is not mounted here", "rows")


Shard._map = Shard.blob = no_folder
"""
DAMAGING = """
from matcher.gallery import gallery_tasks as tasks

sift = tasks.sift_batch


def damaged(query, parameters, places):
    return [], [number for number, _, _ in places]


damaged.__module__, damaged.__qualname__ = sift.__module__, sift.__qualname__
tasks.sift_batch = damaged
"""


class Workers:
    """Processes of ``dask worker`` beside a scheduler, which gives up on a task with the first worker that dies."""

    def __init__(self, scheduler: str, folder: Path) -> None:
        self.cluster = Cluster(scheduler)
        self._folder, self._running = folder, list[subprocess.Popen[bytes]]()

    def come(self, preload: str = "", **settings: str) -> subprocess.Popen[bytes]:
        script = self._folder / f"{hashlib.sha256(preload.encode()).hexdigest()[:8]}.py"
        script.write_text(preload)
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.cluster.scheduler, "--no-nanny"]
        options = ["--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--preload", str(script)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **settings}
        before = count_workers(self.cluster)
        process = subprocess.Popen([*command, *options], cwd=self._folder, env=environment, stderr=subprocess.DEVNULL)
        self._running.append(process)
        self._until(lambda: count_workers(self.cluster) > before)
        return process

    def go(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        process.send_signal(how)
        process.wait(30)

    def all_go(self) -> None:
        for process in self._running:
            if process.poll() is None:
                self.go(process, signal.SIGKILL)
        self._until(lambda: count_workers(self.cluster) == 0)

    def _until(self, it_is: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not it_is():
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    import dask
    from distributed import LocalCluster

    strict = {"distributed.scheduler.allowed-failures": 0, "distributed.scheduler.work-stealing-interval": "20ms"}
    with (
        dask.config.set(strict),
        LocalCluster(n_workers=0, host="127.0.0.1", protocol="tcp://", dashboard_address="127.0.0.1:0") as scheduler,
    ):
        found = Workers(scheduler.scheduler_address, tmp_path)
        yield found
        found.all_go()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("gallery"), np.random.default_rng(7)
    drawn = rng.integers(-40, 41, (REFERENCES, *matcher.DESCRIPTOR_SHAPE), dtype=np.int8)
    other = prepare(breech_face.draw(2, 0))
    with GalleryWriter(folder) as writer:
        writer.append([(_reference("true"), prepare(breech_face.draw(1, 1)))])
        writer.append([(_reference(place), replace(other, descriptor=row)) for place, row in enumerate(drawn)])
    return folder


def _reference(name: object) -> Reference:
    digest = hashlib.sha256(repr(name).encode()).digest()
    return Reference(digest, "9 mm Luger", "breech_face", "topography", "RS", None)


@pytest.fixture(scope="module")
def queries() -> list[Prepared]:
    return [prepare(breech_face.draw(firearm, 0)) for firearm in (1, 2, 3)]


@pytest.mark.slow
def test_workers_join_leave_die_and_are_of_another_release_and_the_answer_is_the_same(
    gallery: Path, queries: list[Prepared], workers: Workers
) -> None:
    expected = Gallery(gallery).correlate(queries)
    assert expected[0].candidates[0].reference == _reference("true").reference
    first = workers.come()
    joined: list[subprocess.Popen[bytes]] = []
    happened: list[str] = []

    def replace_all() -> None:
        """For a moment there is no worker at all."""
        workers.all_go()
        joined.append(workers.come())

    changes: dict[int, Callable[[], object]] = {
        3: lambda: joined.append(workers.come()),
        6: lambda: workers.go(first, signal.SIGKILL),
        9: lambda: workers.come(STRANGER),
        14: lambda: workers.come(BLIND),
        20: lambda: workers.come(DAMAGING),
        30: lambda: workers.go(joined[0], signal.SIGTERM),
        38: replace_all,
    }

    def change(_stage: str, _done: int, _whole: int) -> None:
        happened.append(_stage)
        if len(happened) in changes:
            changes[len(happened)]()

    with executor_on(workers.cluster) as executor:
        assert isinstance(executor, WithHelpHere)
        found = Gallery(gallery).correlate(queries, Filters(), executor, change)
    assert len(happened) > max(changes), "all of them came to pass while it was answered"
    assert found == expected
    assert executor.helped["another release"] > 0
    assert executor.helped["FileNotFoundError"] > 0
    print(f"\ndone here: {dict(executor.helped)} of {len(happened)} tasks")


@pytest.mark.slow
def test_a_worker_that_hangs_is_not_waited_for(
    gallery: Path, queries: list[Prepared], workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_tasks, "UNHEARD_S", 2.0)
    monkeypatch.setattr(cluster, "RELEASE_S", 2.0)
    expected = Gallery(gallery).correlate(queries)
    workers.come()
    hanging = workers.come()
    stages: list[str] = []

    def hang(stage: str, _done: int, _whole: int) -> None:
        stages.append(stage)
        if len(stages) == 3:
            hanging.send_signal(signal.SIGSTOP)

    began = time.monotonic()
    with executor_on(workers.cluster) as executor:
        assert isinstance(executor, WithHelpHere)
        found = Gallery(gallery).correlate(queries, Filters(), executor, hang)
    assert found == expected
    assert executor.helped["silence"] > 0
    with executor_on(workers.cluster) as executor:
        assert Gallery(gallery).correlate(queries[:1], Filters(), executor) == expected[:1]
    assert time.monotonic() - began < 100, "the scheduler gives up on it after 300 s"


@pytest.mark.slow
def test_where_there_are_strangers_alone_work_waits(gallery: Path, queries: list[Prepared], workers: Workers) -> None:
    workers.come(STRANGER)
    with pytest.raises(ComputeAway, match="Install this release there too"), executor_on(workers.cluster):
        pytest.fail("they are not asked")


@pytest.mark.slow
def test_one_that_computes_otherwise_is_a_stranger_too(
    gallery: Path, queries: list[Prepared], workers: Workers
) -> None:
    """Its processor, or what it was started with: one pair has one score, whoever compares it."""
    expected = Gallery(gallery).correlate(queries)
    workers.come()
    with executor_on(workers.cluster) as executor:
        assert isinstance(executor, WithHelpHere)
        other = workers.come(OPENBLAS_CORETYPE="Sandybridge")
        assert Gallery(gallery).correlate(queries, Filters(), executor) == expected
    assert executor.helped["another release"] > 0
    with pytest.raises(ComputeAway, match="compute scores otherwise"), executor_on(workers.cluster):
        pytest.fail("it is not asked")
    workers.go(other, signal.SIGTERM)


class Answers(Executor):
    """A cluster of which every worker answers the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(self.answer)
        return future


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (("another release", None), "another release"),
        (("FileNotFoundError", None), "FileNotFoundError"),
        (("done", ([], [0])), "told of damage"),
        (("done", None), "TypeError"),
        ("nonsense", "ValueError"),
        (RuntimeError("the worker died over it"), "RuntimeError"),
    ],
)
def test_what_a_worker_cannot_do_is_done_here(gallery: Path, queries: list[Prepared], answer: Any, told: str) -> None:
    executor = WithHelpHere(Answers(answer))
    [shard] = Gallery(gallery).shards()
    asked = queries[0].to_bytes(), matcher.DEFAULT_PARAMETERS, [(0, next(gallery.glob(f"*/{shard}")), 0)]
    found = executor.submit(tasks.sift_batch, *asked).result()
    assert found == tasks.sift_batch(*asked)
    assert executor.helped == {told: 1}


def test_what_is_damaged_here_too_is_damaged(gallery: Path, queries: list[Prepared]) -> None:
    executor = WithHelpHere(Answers(("GalleryDamaged", None)))
    asked = queries[0].to_bytes(), matcher.DEFAULT_PARAMETERS, [(7, gallery / "no-shard", 0)]
    with pytest.raises(FileNotFoundError):
        executor.submit(tasks.sift_batch, *asked).result()


def test_a_cluster_that_is_away_is_not_stood_in_for(queries: list[Prepared]) -> None:
    for away in (ConnectionResetError(), TimeoutError()):
        with pytest.raises(type(away)):
            WithHelpHere(Answers(away)).submit(tasks.sift_batch, b"", None, []).result()
