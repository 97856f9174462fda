"""How far a replay has come, and that a later one finds it."""

from pathlib import Path

import pytest

from hub.replay.parts import SourceUnreadable
from hub.replay.position import Settled, State, StateFile


def test_the_place_is_after_the_last_piece_that_is_complete() -> None:
    settled = Settled(None, 0.0)
    settled.sent(10, 5, 0.1)
    settled.sent(20, 7, 0.2)
    settled.complete(0)
    assert (settled.place, settled.points) == (None, 0)
    settled.complete(1)
    assert (settled.place, settled.points, settled.done) == (10, 5, 0.1)
    settled.complete(2)
    assert (settled.place, settled.points, settled.done) == (20, 12, 0.2)


def test_what_was_read_without_points_is_passed_when_all_before_is_settled() -> None:
    settled = Settled(3, 0.1)
    settled.passed(5, 0.15)
    assert settled.place == 5
    settled.sent(10, 5, 0.2)
    settled.passed(15, 0.3)
    assert settled.place == 5
    settled.complete(1)
    assert (settled.place, settled.done) == (15, 0.3)


def made(folder: Path, source: str = "a.lp") -> StateFile:
    return StateFile(source, "ws://hub", {"HUB_STATE_FOLDER": str(folder)})


def test_a_later_replay_of_the_same_finds_it(tmp_path: Path) -> None:
    file = made(tmp_path)
    assert file.load() is None
    state = State(source="a.lp", target="ws://hub", options={"only": "m"}, place=5, done=0.5, shift=-3)
    file.save(state)
    file.close()
    again = made(tmp_path)
    assert again.load() == state
    assert made(tmp_path, "b.lp").load() is None
    again.path.write_bytes(b"{half")
    assert again.load() is None
    again.close()


def test_two_replays_of_the_same_do_not_run_at_once(tmp_path: Path) -> None:
    file = made(tmp_path)
    with pytest.raises(SourceUnreadable, match="another replay"):
        made(tmp_path)
    file.close()
    made(tmp_path).close()
