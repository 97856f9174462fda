"""Fair turns: nobody is crowded out, nobody overtakes itself."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.outcome import Outcome
from streams.ingest.turns import QUANTUM, QUANTUM_FRAMES, Entry, Queue, Turns
from tests.streams.ingest.shelf import batch


def entry(points: int = 1) -> Entry:
    return Entry(batch(*[("a", 1.0)] * points), ignore, [], (), 0.0, 1)


def ignore(outcome: Outcome) -> None:
    """Nobody waits for these."""


def test_a_commit_takes_from_every_device_in_turn() -> None:
    turns, greedy, modest = Turns(), Queue("greedy"), Queue("modest")
    for _ in range(10):
        turns.add(greedy, entry(QUANTUM))
    turns.add(modest, entry())

    taken = turns.take(2 * QUANTUM + 1)

    assert [len(taken[queue]) for queue in (greedy, modest)] == [2, 1]


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
