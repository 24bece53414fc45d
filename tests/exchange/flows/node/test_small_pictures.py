"""What is kept of small pictures: the ones that were looked at last, as many as fit."""

from __future__ import annotations

from exchange.flows.node.small_pictures import SmallPictures


def test_the_ones_looked_at_last_stay() -> None:
    kept = SmallPictures(most_bytes=20)
    kept.keep("a", b"a" * 10)
    kept.keep("b", b"b" * 10)
    assert kept.get("a") == b"a" * 10
    kept.keep("c", b"c" * 10)
    assert [kept.get(tag) is not None for tag in "abc"] == [True, False, True]


def test_the_same_again_takes_no_more_room() -> None:
    kept = SmallPictures(most_bytes=20)
    for _ in range(3):
        kept.keep("a", b"a" * 10)
    kept.keep("b", b"b" * 10)
    assert kept.get("a") is not None


def test_what_is_larger_than_all_is_not_kept() -> None:
    kept = SmallPictures(most_bytes=20)
    kept.keep("a", b"a" * 21)
    assert kept.get("a") is None
    kept.keep("b", b"b")
    assert kept.get("b") == b"b"


def test_nothing_is_left_of_what_is_erased() -> None:
    kept = SmallPictures()
    kept.keep("a", b"a")
    kept.forget_all()
    assert kept.get("a") is None
