"""Fair turns: nobody is crowded out, nobody overtakes itself."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.outcome import Outcome
from streams.ingest.turns import QUANTUM, QUANTUM_FRAMES, Entry, Queue, Turns
from tests.streams.ingest.shelf import batch


def entry(points: int = 1, cost: int = 0) -> Entry:
    return Entry(batch(*[("a", 1.0)] * points), ignore, [], (), 0.0, 1, 1, cost or points)


def ignore(outcome: Outcome) -> None:
    """Nobody waits for these."""


def test_a_commit_takes_from_every_device_in_turn() -> None:
    turns, greedy, modest = Turns(), Queue("greedy"), Queue("modest")
    for _ in range(10):
        turns.add(greedy, entry(QUANTUM))
    turns.add(modest, entry())

    taken = turns.take(2 * QUANTUM + 1)

    assert [len(taken[queue]) for queue in (greedy, modest)] == [2, 1]


def test_what_costs_much_makes_a_commit_as_many_points_would() -> None:
    turns, dear, modest = Turns(), Queue("dear"), Queue("modest")
    for _ in range(10):
        turns.add(dear, entry(100, cost=QUANTUM))
    turns.add(modest, entry())

    assert [len(entries) for entries in turns.take(2 * QUANTUM + 1).values()] == [2, 1]
    turns.done(dear)
    assert turns.points == 800


def test_what_fills_a_commit_is_put_off_once_for_those_that_are_small() -> None:
    turns, large, larger, small, late = Turns(), *map(Queue, ("large", "larger", "small", "late"))
    for queue, cost in ((large, 500), (larger, 900), (small, 1)):
        turns.add(queue, entry(1, cost=cost))
    assert list(turns.take(500)) == [small]
    turns.add(late, entry())
    assert list(turns.take(500)) == [large]
    assert list(turns.take(500)) == [late]
    assert list(turns.take(500)) == [larger]
    assert not turns


def test_a_device_has_no_turn_while_its_commit_is_under_way() -> None:
    turns, queue = Turns(), Queue("device")
    turns.add(queue, entry())
    assert turns.take(10)

    turns.add(queue, entry())
    assert not turns

    turns.done(queue)
    assert turns
    assert len(turns.take(10)[queue]) == 1


def test_a_frame_larger_than_a_commit_still_has_its_turn() -> None:
    turns, queue = Turns(), Queue("device")
    turns.add(queue, entry(50))
    assert len(turns.take(10)[queue]) == 1


def test_a_device_that_is_alone_leaves_half_of_its_frames_for_the_next_commit() -> None:
    turns, queue = Turns(), Queue("device")
    for _ in range(2 * QUANTUM_FRAMES):
        turns.add(queue, entry())
    assert len(turns.take(5_000)[queue]) == QUANTUM_FRAMES
    turns.done(queue)
    assert len(turns.take(5_000)[queue]) == QUANTUM_FRAMES
    assert turns.points == 0


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30)), max_size=60),
    st.integers(1, 40),
)
def test_everything_is_taken_once_in_each_devices_order(arrivals: list[tuple[int, int]], most: int) -> None:
    turns, queues = Turns(), [Queue(str(i)) for i in range(5)]
    sent: dict[str, list[Entry]] = {queue.source: [] for queue in queues}
    for index, points in arrivals:
        sent[str(index)].append(entry(points))
        turns.add(queues[index], sent[str(index)][-1])

    came: dict[str, list[Entry]] = {queue.source: [] for queue in queues}
    while turns:
        for queue, entries in turns.take(most).items():
            came[queue.source] += entries
            turns.done(queue)

    assert came == sent
    assert turns.points == 0
