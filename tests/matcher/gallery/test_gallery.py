"""What a gallery answers, and what it keeps."""

from __future__ import annotations

import datetime
import hashlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher import (
    DESCRIPTOR_SHAPE,
    Filters,
    Gallery,
    GalleryDamaged,
    GalleryInUse,
    GalleryWriter,
    NotComparable,
    Parameters,
    Prepared,
    Reference,
    correlate,
    prepare,
)
from matcher.areal.descriptor import FIRST_HARMONICS
from matcher.gallery import gallery_query as query
from matcher.gallery import gallery_tasks as tasks
from matcher.gallery import growing
from matcher.gallery.schema import FORMAT
from matcher.synthetic import breech_face

Scans = dict[tuple[int, int], Prepared]


def name(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def reference(*parts: object, **told: object) -> Reference:
    labels = {"calibre": "9 mm Luger", "region": "breech_face", "modality": "topography", "owner": "RS"}
    return Reference(name(*parts), **{**labels, **told})  # type: ignore[arg-type]  # a test's keywords


def others(scan: Prepared, count: int) -> list[tuple[Reference, Prepared]]:
    """Scans that differ from the given one in their descriptors alone, which are noise."""
    rng = np.random.default_rng(7)
    drawn = rng.integers(-40, 41, (count, *DESCRIPTOR_SHAPE), dtype=np.int8)
    return [(reference("other", place), replace(scan, descriptor=row)) for place, row in enumerate(drawn)]


@pytest.fixture
def entries(prepared: Scans) -> list[tuple[Reference, Prepared]]:
    return [(reference(*key), scan) for key, scan in prepared.items()]


@pytest.fixture
def filled(tmp_path: Path, entries: list[tuple[Reference, Prepared]]) -> Path:
    with GalleryWriter(tmp_path / "gallery") as writer:
        writer.append(entries)
    return tmp_path / "gallery"


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "CAPACITY", 4)


def names(gallery: Path, scan: Prepared, **filters: object) -> list[bytes]:
    (found,) = Gallery(gallery).correlate([scan], Filters(**filters))  # type: ignore[arg-type]  # a test's keywords
    assert found.searched == len(found.candidates)
    return [candidate.reference for candidate in found.candidates]


@pytest.mark.usefixtures("small_shards")
def test_the_answer_is_that_of_correlate_on_scans_at_hand(filled: Path, prepared: Scans) -> None:
    scans = list(prepared.values())
    keys = [name(*key) for key in prepared]
    gallery = Gallery(filled)
    assert len(gallery) == 6
    asked: list[tuple[str, int, int]] = []
    found = gallery.correlate(scans[:3], progress=lambda *state: asked.append(state))
    for query_scan, answer in zip(scans[:3], found, strict=True):
        expected = correlate(query_scan, scans)
        assert answer.searched == 6
        assert answer.damaged == ()
        assert [(keys[entry.index], entry.prefilter_score, entry.placement) for entry in expected] == [
            (candidate.reference, candidate.prefilter_score, candidate.placement) for candidate in answer.candidates
        ]
    assert ("first pass", 2, 2) in asked
    # all of so few are compared in full: nothing is sifted
    assert {stage for stage, done, whole in asked if done == whole} == {
        *("first pass", "second pass", "polar pass", "register")
    }


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.slow
@pytest.mark.usefixtures("small_shards")
def test_the_answer_is_the_same_for_any_executor_and_batch(
    filled: Path, prepared: Scans, processes: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = [prepared[0, 0], prepared[1, 0], prepared[2, 1]]
    gallery = Gallery(filled)
    alone = gallery.correlate(queries)
    assert gallery.correlate(queries, executor=processes) == alone
    with ThreadPoolExecutor(2) as threads:
        assert gallery.correlate(queries, executor=threads) == alone
    for size in (1, 2):
        monkeypatch.setattr(query, "_SIFT_BATCH", size)
        monkeypatch.setattr(query, "_REGISTER_BATCH", 3 - size)
        monkeypatch.setattr(query, "_QUERIES_A_PASS", size)
        monkeypatch.setattr(query, "_SECOND_ROWS", size)
        monkeypatch.setattr(query, "_POLAR_ROWS", size)
        assert gallery.correlate(queries) == alone
    assert [gallery.correlate([scan])[0] for scan in queries] == alone


def test_of_many_the_scans_of_the_firearm_go_through_both_passes(
    tmp_path: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = Parameters(descriptor_candidates=16, fine_candidates=4, listed_candidates=2)
    first, second, other = (prepare(breech_face.draw(*key), parameters) for key in ((1, 0), (1, 1), (2, 0)))
    monkeypatch.setattr(growing, "CAPACITY", 150)
    entries = others(other, 400)
    entries.insert(333, (reference("true"), second))
    with GalleryWriter(tmp_path, parameters) as writer:
        writer.append(entries)
    seen: list[int] = []

    def counting(folder: Path, count: int, rows: np.ndarray, scan: np.ndarray) -> object:
        seen.append(len(rows))
        return tasks.second_pass(folder, count, rows, scan)

    monkeypatch.setattr(query, "second_pass", counting)
    (found,) = Gallery(tmp_path, parameters).correlate([first])
    assert found.searched == 401
    # four times what the polar column takes, which is more than a sixteenth; then what is searched one by one: the best
    # four by polar column, and the best two by descriptor
    assert 64 + 4 <= sum(seen) <= 64 + 6
    assert len(found.candidates) == 2
    assert found.candidates[0].reference == name("true")


def test_filters_choose_before_anything_is_computed(tmp_path: Path, prepared: Scans) -> None:
    scans = list(prepared.values())
    day = datetime.date(2024, 5, 17)
    told: list[dict[str, object]] = [
        {},
        {"calibre": "9 mm Makarov"},
        {"owner": "XK", "date": day},
        {"region": "firing_pin"},
        {"modality": "reflectance"},
        {"date": day + datetime.timedelta(1)},
    ]
    references = [reference(place, **more) for place, more in enumerate(told)]
    with GalleryWriter(tmp_path) as writer:
        writer.append(zip(references, scans, strict=True))

    def rows(**filters: object) -> set[int]:
        found = names(tmp_path, scans[0], **filters)
        return {place for place in range(6) if name(place) in found}

    assert rows() == {0, 1, 2, 3, 4, 5}
    assert rows(calibres=frozenset({"9 mm Makarov", "7.62x39"})) == {1}
    assert rows(owners=frozenset({"XK"})) == {2}
    assert rows(regions=frozenset({"breech_face"}), modalities=frozenset({"topography"})) == {0, 1, 2, 5}
    assert rows(latest=day) == {0, 1, 2, 3, 4}
    assert rows(earliest=day + datetime.timedelta(1)) == {0, 1, 3, 4, 5}
    assert rows(excluded=frozenset({name(0), name(5)})) == {1, 2, 3, 4}
    assert rows(included=frozenset({name(0), name(5), name(17)})) == {0, 5}
    assert rows(included=frozenset({name(0), name(5)}), excluded=frozenset({name(0)})) == {5}
    assert rows(included=frozenset()) == set()
    assert rows(calibres=frozenset()) == set()


@pytest.mark.usefixtures("small_shards")
def test_what_is_removed_is_gone_and_its_bytes_go_with_compaction(filled: Path, prepared: Scans) -> None:
    def stored() -> bytes:
        return b"".join(path.read_bytes() for path in filled.rglob("blobs"))

    gallery, gone = Gallery(filled), prepared[0, 1].to_searched_bytes()
    with GalleryWriter(filled) as writer:
        assert writer.remove([name(0, 1), name("never there"), name(0, 1)]) == 1
        assert name(0, 1) not in writer
        assert (len(writer), len(gallery)) == (5, 5)
        assert name(0, 1) not in names(filled, prepared[0, 0])
        assert gone in stored()
        before = gallery.correlate([prepared[0, 0]])
        assert writer.compact(least_removed=0.5) == 0
        assert writer.compact() == 1
        assert gallery.correlate([prepared[0, 0]]) == before
        assert gone in stored()  # for a reader in the middle of a query
        assert writer.compact() == 0
        assert gone not in stored()
        assert writer.remove([name(0, 0)]) == 1
    with GalleryWriter(filled) as writer:
        assert set(writer.references()) == {name(1, 0), name(1, 1), name(2, 0), name(2, 1)}
    assert len(gallery) == 4


@pytest.mark.usefixtures("small_shards")
def test_what_is_erased_leaves_no_byte_behind_also_where_it_was_removed_before(filled: Path, prepared: Scans) -> None:
    def stored() -> bytes:
        return b"".join(path.read_bytes() for path in filled.rglob("*") if path.is_file())

    gallery, gone = Gallery(filled), prepared[0, 1]
    traces = [gone.to_searched_bytes(), gone.descriptor[FIRST_HARMONICS:].tobytes(), gone.polar.tobytes(), name(0, 1)]
    assert all(trace in stored() for trace in traces)
    with GalleryWriter(filled) as writer:
        writer.remove([name(0, 1)])
        assert writer.erase([name(0, 1), name("never there")]) == 0
        assert not any(trace in stored() for trace in traces)
        before = gallery.correlate([prepared[0, 0]])
        assert writer.erase([name(1, 0)]) == 1
        assert name(1, 0) not in names(filled, prepared[0, 0])
        writer.compact(least_removed=0)
        assert prepared[2, 0].to_searched_bytes() in stored()
        assert writer.erase([name(2, 0)]) == 1
        assert prepared[2, 0].to_searched_bytes() not in stored(), "nor in the shard that was replaced"
    assert gallery.verify() == ()
    with GalleryWriter(filled) as writer:
        assert set(writer.references()) == {name(0, 0), name(1, 1), name(2, 1)}
    left = [found for found in before[0].candidates if found.reference in {name(0, 0), name(1, 1), name(2, 1)}]
    assert gallery.correlate([prepared[0, 0]])[0].candidates == tuple(left)


@pytest.mark.usefixtures("small_shards")
def test_a_reference_of_the_same_name_takes_the_others_place(filled: Path, prepared: Scans) -> None:
    with GalleryWriter(filled) as writer:
        writer.append([(reference(0, 0), prepared[2, 0]), (reference(0, 0), prepared[1, 0])])
        assert len(writer) == 6
    (found,) = Gallery(filled).correlate([prepared[1, 0]])
    assert [candidate.reference for candidate in found.candidates][:2] == [name(1, 0), name(0, 0)]
    assert len(found.candidates) == 6


def test_changes_during_compaction_are_kept(filled: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch) -> None:
    from matcher.gallery import gallery_writer as module

    with GalleryWriter(filled) as writer:
        writer.remove([name(0, 0)])
        copy: Callable[..., None] = module._copy

        def beside(*arguments: object) -> None:
            copy(*arguments)
            monkeypatch.setattr(module, "_copy", copy)
            other = threading.Thread(
                target=lambda: (writer.append([(reference("late"), prepared[0, 0])]), writer.remove([name(1, 1)]))
            )
            other.start()
            other.join()

        monkeypatch.setattr(module, "_copy", beside)
        assert writer.compact(0.0) == 1
        kept = {name(0, 1), name(1, 0), name(2, 0), name(2, 1), name("late")}
        assert set(writer.references()) == kept
        writer.append([(reference("after"), prepared[1, 1])])
    assert set(names(filled, prepared[0, 0])) == kept | {name("after")}


def test_a_query_whose_shard_is_compacted_away_begins_again(
    filled: Path, prepared: Scans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a file that stays away is damage."""
    passes: list[Path] = []

    def late(folder: Path, count: int, rows: tasks.Rows, queries: np.ndarray) -> object:
        if not passes:
            with GalleryWriter(filled) as writer:
                writer.remove([name(0, 1)])
                writer.compact(0.0)
                writer.compact(0.0)
        passes.append(folder)
        return tasks.first_pass(folder, count, rows, queries)

    monkeypatch.setattr(query, "first_pass", late)
    (found,) = Gallery(filled).correlate([prepared[0, 0]])
    assert found.searched == 5
    assert len(set(passes)) == 2

    (passes[-1] / "first").unlink()
    tasks._shard.cache_clear()
    with pytest.raises(GalleryDamaged, match="first is missing"):
        Gallery(filled).correlate([prepared[0, 0]])


def test_there_is_one_writer(filled: Path) -> None:
    with GalleryWriter(filled), pytest.raises(GalleryInUse, match="Another process"):
        GalleryWriter(filled)
    GalleryWriter(filled).close()


def test_parameters_are_never_mixed_and_a_new_generation_serves_when_published(
    filled: Path, prepared: Scans, entries: list[tuple[Reference, Prepared]]
) -> None:
    other = Parameters(max_shift_um=400.0)
    scan = prepare(breech_face.draw(0, 0), other)
    with GalleryWriter(filled) as writer:
        with pytest.raises(NotComparable, match="prepare it again"):
            writer.append([entries[0], (reference("new"), scan)])
        assert len(writer) == 6
    with pytest.raises(NotComparable, match="prepare it again"):
        Gallery(filled).correlate([scan])

    old = Gallery(filled)
    with GalleryWriter(filled) as beside, GalleryWriter(filled, other) as rebuilding:
        rebuilding.append([(reference(0, 0), scan)])
        with pytest.raises(NotComparable, match="rebuilt"):
            Gallery(filled, other)
        beside.append([(reference("still"), prepared[0, 0])])
        assert len(Gallery(filled)) == 7
        rebuilding.publish()
        assert len(Gallery(filled, other)) == 1
        assert len(old) == 7  # who began with it may end with it
        with pytest.raises(NotComparable):
            Gallery(filled)
        beside.delete_others()  # not the one that serves: deletes nothing
        assert len(Gallery(filled, other)) == 1
    with GalleryWriter(filled, other) as writer:
        writer.delete_others()
    assert [path.name for path in filled.iterdir() if path.is_dir()] == [f"{other.digest}-{FORMAT}"]


def test_an_empty_gallery_has_no_candidates(tmp_path: Path, prepared: Scans) -> None:
    with pytest.raises(NotComparable):
        Gallery(tmp_path)
    GalleryWriter(tmp_path).close()
    (found,) = Gallery(tmp_path).correlate([prepared[0, 0]])
    assert (found.candidates, found.searched, found.damaged) == ((), 0, ())
    assert Gallery(tmp_path).correlate([]) == []


def test_a_name_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Reference(b"short", "9 mm Luger", "breech_face", "topography", "RS")
