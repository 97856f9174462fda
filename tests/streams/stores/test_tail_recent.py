"""What the tail need not do again: slices that did not change, windows that hold none that did."""

from streams.queries import Query, parse_query
from streams.stores.base import Window
from streams.stores.tail_recent import LINGER_MS, MOST_CHANGES, Recent, digests

STEP = 1_000
QUERY: Query = parse_query(measurement="m", select={"v": ["sum"]}, every="1s", window="3s")


def read(recent: Recent, stop: int, content: str) -> bool:
    """A slice is read, and loaded if it changed; whether it did."""
    found = {stop: content.encode()}
    changed = recent.changed(found)
    recent.loaded(found, STEP)
    return bool(changed)


def window(stop: int) -> Window:
    return Window(stop - 3_000, stop, ((stop,),), 1)


def test_each_slice_has_a_digest_of_its_own_points() -> None:
    rows = [[at * 1_000_000, at] for at in (0, 999, 1_000, 2_500)]
    found = digests(rows, (0, 4_000), STEP, ["v"])
    assert list(found) == [1_000, 2_000, 3_000, 4_000]
    assert found[4_000] == b""
    assert found[1_000] == digests(rows[:2], (0, 1_000), STEP, ["v"])[1_000]
    assert found[1_000] != digests(rows[:2], (0, 1_000), STEP, ["w"])[1_000]


def test_a_window_is_remembered_until_a_slice_of_it_changes() -> None:
    recent = Recent()
    assert [read(recent, stop, "a") for stop in (1_000, 2_000, 3_000, 4_000)] == [True] * 4
    recent.remember(QUERY, [window(3_000), window(4_000)], recent.version, 4_000)
    assert not read(recent, 4_000, "a")
    assert recent.window(QUERY, 3_000) == window(3_000)
    assert read(recent, 4_000, "b")
    assert recent.window(QUERY, 4_000) is None
    assert recent.window(QUERY, 3_000) == window(3_000)


def test_an_answer_that_was_begun_before_a_change_is_out_of_date() -> None:
    recent = Recent()
    read(recent, 3_000, "a")
    version = recent.version
    read(recent, 3_000, "b")
    recent.remember(QUERY, [window(3_000)], version, 3_000)
    assert recent.window(QUERY, 3_000) is None


def test_after_more_changes_than_are_kept_nothing_is_remembered() -> None:
    recent = Recent()
    read(recent, 3_000, "a")
    recent.remember(QUERY, [window(3_000)], recent.version, 3_000)
    for number in range(MOST_CHANGES + 2):
        read(recent, 9_000, str(number))
    assert recent.window(QUERY, 3_000) is None


def test_windows_are_forgotten_when_their_grace_has_passed_and_when_their_plan_has_gone() -> None:
    recent = Recent()
    recent.remember(QUERY, [window(3_000), window(4_000)], 0, 4_000)
    recent.expire({QUERY.key: QUERY.grace_ms}, 3_000 + QUERY.grace_ms + LINGER_MS)
    assert recent.window(QUERY, 3_000) is None
    assert recent.window(QUERY, 4_000) == window(4_000)
    recent.expire({}, 4_000)
    assert recent.window(QUERY, 4_000) is None
