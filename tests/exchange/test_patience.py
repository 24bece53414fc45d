"""What is no attempt, and how long it waits."""

from __future__ import annotations

import errno
import os
import random

import pytest

from exchange.errors import (
    ComputeAway,
    ComputeFailed,
    ExchangeError,
    InvalidInput,
    NotFound,
    ObjectStoreUnavailable,
    PeerUnreachable,
    StoreFull,
    StoreUnavailable,
)
from exchange.patience import AWAY_CODES, LONGEST_S, OF_THE_MACHINE, Patience, is_away, told_as_away


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("gone"),
        StoreFull("no room"),
        ObjectStoreUnavailable("gone"),
        ComputeAway("no process"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
)
def test_what_all_work_stands_on(error: Exception) -> None:
    assert is_away(error)


@pytest.mark.parametrize(
    "error",
    [
        ComputeFailed("The database does not answer: so says a scan that kills its process"),
        NotFound("no scan"),
        InvalidInput("wrong"),
        PeerUnreachable("a peer"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        PermissionError(errno.EACCES, "Denied"),
        OSError("without a number"),
        ValueError("No space left on device"),
    ],
)
def test_what_is_the_works_own(error: Exception) -> None:
    assert not is_away(error)


@pytest.mark.parametrize("number", sorted(OF_THE_MACHINE))
def test_what_the_machine_lacks_is_told_in_words_and_by_a_code(number: int) -> None:
    """The operator's list of jobs says what is away, the metrics count it, and the log needs no trace."""
    told = told_as_away(OSError(number, os.strerror(number)))
    assert isinstance(told, ExchangeError)
    assert is_away(told)
    assert told.code in AWAY_CODES
    assert os.strerror(number) in str(told)
    assert isinstance(told, StoreFull) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_what_is_the_works_own_is_told_as_it_came() -> None:
    for error in (FileNotFoundError(errno.ENOENT, "No such file"), ComputeFailed("dies"), ValueError("wrong")):
        assert told_as_away(error) is error


def test_it_waits_longer_each_time_and_never_long() -> None:
    patience = Patience(random.Random(1))
    pauses = [patience.pause_s(7) for _ in range(20)]
    assert pauses[0] <= 2
    assert all(2.0 ** min(n + 1, 6) / 2 <= pause or pause >= LONGEST_S / 2 for n, pause in enumerate(pauses))
    assert max(pauses) <= LONGEST_S
    assert len({round(pause, 3) for pause in pauses[8:]}) > 5, "not all at the same moment"
    assert sum(pauses[:14]) > 300, "a cluster that is away is not asked all the time"
    assert patience.pause_s(8) <= 2, "each job by itself"
    patience.over(7)
    assert patience.pause_s(7) <= 2
