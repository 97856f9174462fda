"""Fair turns: nobody is crowded out, nobody overtakes itself."""

from hypothesis import given
from hypothesis import strategies as st

from streams.ingest.outcome import Outcome
from streams.ingest.turns import QUANTUM, QUANTUM_FRAMES, WORTH_A_COMMIT, Entry, Queue, Turns
from streams.points import Batch
from tests.streams.ingest.shelf import batch


def entry(points: int = 1, cost: int = 0) -> Entry:
    return Entry(batch(*[("a", 1.0)] * points), ignore, [], (), 0.0, 1, 1, cost or points)


def of(points: Batch) -> Entry:
    return Entry(points, ignore, [], (), 0.0, 1, 1, len(points))


def ignore(outcome: Outcome) -> None:
    """Nobody waits for these."""


def unknown(batch: Batch) -> bool:
    """No field is known."""
    return False


def test_a_commit_takes_from_every_device_in_turn() -> None:
    turns, greedy, modest = Turns(unknown), Queue("greedy"), Queue("modest")
    for _ in range(10):
        turns.add(greedy, entry(QUANTUM))
    turns.add(modest, entry())

    taken = turns.take(2 * QUANTUM + 1)

    assert [len(taken[queue]) for queue in (greedy, modest)] == [2, 1]


def test_what_costs_much_makes_a_commit_as_many_points_would() -> None:
    turns, dear, modest = Turns(unknown), Queue("dear"), Queue("modest")
    for _ in range(10):
        turns.add(dear, entry(100, cost=QUANTUM))
    turns.add(modest, entry())

    taken = turns.take(2 * QUANTUM + 1)
    assert [len(entries) for entries in taken.values()] == [2, 1]
    turns.done(dear, taken[dear])
    assert turns.points == 800


def test_what_fills_a_commit_is_put_off_once_for_those_that_are_small() -> None:
    turns, large, larger, small, late = Turns(unknown), *map(Queue, ("large", "larger", "small", "late"))
    for queue, cost in ((large, 500), (larger, 900), (small, 1)):
        turns.add(queue, entry(1, cost=cost))
    assert list(turns.take(500)) == [small]
    turns.add(late, entry())
    assert list(turns.take(500)) == [large]
    assert list(turns.take(500)) == [late]
    assert list(turns.take(500)) == [larger]
    assert not turns


def test_a_device_has_no_turn_while_its_commit_is_under_way() -> None:
    turns, queue = Turns(unknown), Queue("device")
    turns.add(queue, entry())
    taken = turns.take(10)

    turns.add(queue, entry())
    assert not turns

    turns.done(queue, taken[queue])
    assert turns
    assert len(turns.take(10)[queue]) == 1


def known(batch: Batch) -> bool:
    """Every field is known."""
    return True


def many(at: int) -> Batch:
    """As many points as are worth a commit, from this second on."""
    return batch(*[("a", 1.0)] * WORTH_A_COMMIT, at=at)


def test_a_device_has_two_commits_under_way_where_their_order_does_not_matter() -> None:
    turns, queue = Turns(known), Queue("device")
    turns.add(queue, of(many(0)))
    first = turns.take(10)[queue]

    turns.add(queue, of(many(1_000)))
    second = turns.take(10)[queue]
    turns.add(queue, of(many(2_000)))
    assert not turns

    turns.done(queue, second)
    assert turns.take(10)
    turns.done(queue, first)
    assert not turns


def test_the_same_points_wait_for_those_that_are_under_way() -> None:
    turns, queue = Turns(known), Queue("device")
    turns.add(queue, of(many(0)))
    first = turns.take(10)[queue]

    turns.add(queue, of(many(WORTH_A_COMMIT - 1)))
    turns.add(queue, of(many(1_000)))
    assert not turns

    turns.done(queue, first)
    assert len(turns.take(1_000)[queue]) == 2


def test_points_whose_fields_are_not_known_wait_for_those_that_may_say_what_they_are() -> None:
    turns, queue = Turns(unknown), Queue("device")
    turns.add(queue, of(many(0)))
    assert turns.take(10)
    turns.add(queue, of(many(1_000)))
    assert not turns


def test_a_few_points_are_not_worth_another_commit() -> None:
    turns, queue = Turns(known), Queue("device")
    turns.add(queue, of(many(0)))
    assert turns.take(10)
    turns.add(queue, of(batch(*[("a", 1.0)] * (WORTH_A_COMMIT - 1), at=1_000)))
    assert not turns
    turns.add(queue, of(batch(("a", 1.0), at=2_000)))
    assert len(turns.take(1_000)[queue]) == 2


def test_a_commit_ends_before_what_has_to_follow_another() -> None:
    turns, queue = Turns(known), Queue("device")
    turns.add(queue, of(many(0)))
    first = turns.take(10)[queue]
    for at in (1_000, 2_000, 0, 3_000):
        turns.add(queue, of(many(at)))
    assert len(turns.take(10_000)[queue]) == 2
    assert not turns
    turns.done(queue, first)
    assert len(turns.take(10_000)[queue]) == 2


def test_a_frame_larger_than_a_commit_still_has_its_turn() -> None:
    turns, queue = Turns(unknown), Queue("device")
    turns.add(queue, entry(50))
    assert len(turns.take(10)[queue]) == 1


def test_a_device_that_is_alone_leaves_half_of_its_frames_for_the_next_commit() -> None:
    turns, queue = Turns(unknown), Queue("device")
    for _ in range(2 * QUANTUM_FRAMES):
        turns.add(queue, entry())
    taken = turns.take(5_000)
    assert len(taken[queue]) == QUANTUM_FRAMES
    turns.done(queue, taken[queue])
    assert len(turns.take(5_000)[queue]) == QUANTUM_FRAMES
    assert turns.points == 0


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 30)), max_size=60),
    st.integers(1, 40),
)
def test_everything_is_taken_once_in_each_devices_order(arrivals: list[tuple[int, int]], most: int) -> None:
    turns, queues = Turns(unknown), [Queue(str(i)) for i in range(5)]
    sent: dict[str, list[Entry]] = {queue.source: [] for queue in queues}
    for index, points in arrivals:
        sent[str(index)].append(entry(points))
        turns.add(queues[index], sent[str(index)][-1])

    came: dict[str, list[Entry]] = {queue.source: [] for queue in queues}
    while turns:
        for queue, entries in turns.take(most).items():
            came[queue.source] += entries
            turns.done(queue, entries)

    assert came == sent
    assert turns.points == 0


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(1, 3)), max_size=40), st.data())
def test_the_value_that_was_sent_last_stays_whichever_commit_ends_first(
    arrivals: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    turns, queues = Turns(known), [Queue("0"), Queue("1")]
    stored: dict[tuple[bytes, int], bytes] = {}
    wanted: dict[tuple[bytes, int], bytes] = {}
    under_way: list[tuple[Queue, list[Entry]]] = []

    def end_one() -> None:
        queue, entries = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
        for one in entries:
            stored.update(by_point(one.batch))
        turns.done(queue, entries)

    for value, (device, at, hundreds) in enumerate(arrivals):
        points = batch(*[(f"s{device}", float(value))] * (100 * hundreds), at=100 * at)
        wanted.update(by_point(points))
        turns.add(queues[device], of(points))
        if turns and data.draw(st.booleans()):
            under_way += turns.take(data.draw(st.integers(1, 800))).items()
        for _ in range(data.draw(st.integers(0, len(under_way)))):
            end_one()
    while turns or under_way:
        if turns:
            under_way += turns.take(500).items()
        end_one()

    assert stored == wanted
    assert turns.points == 0


def by_point(points: Batch) -> dict[tuple[bytes, int], bytes]:
    columns = zip(points.series, points.times, points.lines, strict=True)
    return {(series.key, time): line for series, time, line in columns}
