"""A device's session as transcripts: frames in, outcomes out, in an order that never lies."""

from collections.abc import Callable

import pytest

from hub.authority import anybody
from hub.codes import Close, SessionOver
from hub.formats import FORMATS, Options
from hub.messages import Ack, Reject, Retry
from hub.producer import MOST_LISTED, Producer
from streams.ingest.acceptance import Acceptance
from streams.ingest.outcome import STORED, Outcome
from streams.points import Batch
from streams.points import Reject as Refused
from streams.schema import Schema

NOW = 1_700_000_000_000_000_000
RETRY = Outcome(None, retry_after_ms=500)


class Counter:
    """A lane that keeps what is submitted until the test says what became of it."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._settled: list[Callable[[Outcome], None]] = []

    def submit(self, batch: Batch, settled: Callable[[Outcome], None], frames: int = 1) -> None:
        self.batches.append(batch)
        self._settled.append(settled)

    def settle(self, *outcomes: Outcome) -> None:
        """The oldest frames that are not settled have these outcomes."""
        for outcome in outcomes:
            self._settled.pop(0)(outcome)


class Session:
    """A producer, its lane, and how often it had something new to say."""

    def __init__(self, format_name: str = "line", precision: str = "ns", max_frame_bytes: int = 1_000) -> None:
        self.lane = Counter()
        self.changes = self.steps = 0
        self.producer = Producer(
            self.lane,
            FORMATS[format_name](Options(Schema(), most_points=20_000, most_objects=5)),
            identity=anybody(),
            precision=precision,
            checks=[Acceptance().rejects],
            max_frame_bytes=max_frame_bytes,
            max_unacked=4,
            changed=self._changed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def send(self, *frames: str | bytes) -> None:
        for frame in frames:
            for _ in self.producer.receive(frame, NOW):
                self.steps += 1

    def says(self) -> list[object]:
        return list(self.producer.outgoing())


def test_one_ack_covers_every_frame_of_a_commit() -> None:
    session = Session()
    session.send("m v=1", b"m v=2", "m v=3")
    assert session.says() == []
    session.lane.settle(STORED, STORED)
    assert session.says() == [Ack(frame=2, stored="store")]
    session.lane.settle(STORED)
    assert session.says() == [Ack(frame=3, stored="store")]
    assert session.says() == []


def plain(first: int, *more: int) -> str:
    """A frame of lines in one form, which the format knows when it has seen a few of them."""
    return "\n".join(f"together,site=a v={n} {NOW + n}" for n in (first, *more))


def test_plain_frames_are_taken_together_and_have_their_outcomes_apart() -> None:
    session = Session()
    session.send(plain(*range(20)))
    session.lane.settle(STORED)
    session.says()

    assert session.producer.take_together([plain(1, 2) + "\n", plain(3).encode(), plain(4, 5, 6)], NOW)

    batch = session.lane.batches[-1]
    assert [line.split()[1] for line in batch.lines] == [b"v=%d" % n for n in range(1, 7)]
    refused = (Refused(3, "type_conflict", "the third"), Refused(6, "type_conflict", "the sixth"))
    session.lane.settle(Outcome("store", refused))
    second, third, ack = session.says()
    assert isinstance(second, Reject)
    assert (second.frame, second.accepted, second.rejected[0].line) == (3, 0, 1)
    assert isinstance(third, Reject)
    assert (third.frame, third.accepted, third.rejected[0].line) == (4, 2, 3)
    assert ack == Ack(frame=2, stored="store")


@pytest.mark.parametrize(
    "unusual",
    [
        "",
        "no line",
        "# a comment",
        "together,site=a v=1",
        'together,site=a v="text" 1700000000000000000',
        "together,site=a v=1 1",
        '{"type":"auth","token":"t"}',
        "together,site=a never_seen_before=1 1700000000000000000\n",
        b"together,site=\xff v=1 1700000000000000000",
        "together,site=a v=1 1700000000000000000\n\n",
        plain(*range(30)),
    ],
)
def test_frames_of_which_one_is_unusual_are_taken_apart(unusual: str | bytes) -> None:
    session = Session()
    session.send(plain(*range(20)))
    before = len(session.lane.batches)
    assert not session.producer.take_together([plain(1), unusual], NOW)
    assert not session.producer.take_together([plain(1)], NOW)
    assert len(session.lane.batches) == before


def test_points_reach_the_lane_with_the_precision_and_the_time_of_receipt() -> None:
    session = Session(precision="s")
    session.send("m,site=a v=1 1699999999\nm v=2")
    (batch,) = session.lane.batches
    assert list(batch.lines) == [b"m,site=a v=1 1699999999000000000", b"m v=2 %d" % NOW]


def test_a_large_frame_is_taken_in_steps_and_is_one_frame_all_the_same() -> None:
    session = Session(max_frame_bytes=200_000)
    session.send("m v=1\n" * 9_999 + "m v=\n" + "m v=2\n" * 10_000)
    assert session.steps > 5
    (batch,) = session.lane.batches
    assert list(batch.numbers) == [*range(1, 10_000), *range(10_001, 20_001)]
    session.lane.settle(STORED)
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert (reject.accepted, [point.line for point in reject.rejected]) == (19_999, [10_000])


def test_a_frame_with_too_many_points_keeps_the_first_and_is_read_no_further() -> None:
    session = Session(max_frame_bytes=200_000)
    session.send("m v=1\n" * 20_000 + "m v=" * 10_000)
    session.lane.settle(STORED)
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert (reject.accepted, reject.more) == (20_000, 0)
    assert [(point.line, point.code) for point in reject.rejected] == [(20_001, "too_many_points")]


@pytest.mark.parametrize("frame", ["", "\n", "# a comment", b"\r\n"])
def test_a_frame_without_points_is_acknowledged_in_its_turn(frame: str | bytes) -> None:
    session = Session()
    session.send("m v=1", frame)
    assert session.says() == []
    session.lane.settle(STORED)
    assert session.says() == [Ack(frame=2, stored="store")]


def test_a_frame_without_points_alone_is_acknowledged_at_once() -> None:
    session = Session()
    session.send("")
    assert session.changes == 1
    assert session.says() == [Ack(frame=1, stored="store")]


def test_an_ack_says_spool_if_one_of_the_frames_it_newly_covers_is_there() -> None:
    session = Session()
    session.send("m v=1", "m v=2", "m v=3")
    session.lane.settle(Outcome("spool"), STORED)
    assert session.says() == [Ack(frame=2, stored="spool")]
    session.lane.settle(STORED)
    assert session.says() == [Ack(frame=3, stored="store")]


def test_a_reject_comes_before_the_ack_that_passes_it() -> None:
    session = Session()
    session.send("m v=1", "m v=2\nm v=", "m v=3")
    session.lane.settle(STORED, STORED, STORED)
    reject, ack = session.says()
    assert isinstance(reject, Reject)
    assert (reject.frame, reject.accepted, [p.line for p in reject.rejected], reject.more) == (2, 1, [2], 0)
    assert ack == Ack(frame=3, stored="store")


def test_a_retry_comes_before_the_ack_that_passes_it() -> None:
    session = Session()
    session.send("m v=1", "m v=2", "m v=3")
    session.lane.settle(STORED, RETRY, STORED)
    assert session.says() == [Retry(frame=2, after_ms=500), Ack(frame=3, stored="store")]


def test_an_ack_before_a_reject_covers_only_what_came_before() -> None:
    session = Session()
    session.send("m v=1", "m v=")
    session.lane.settle(STORED)
    reject, ack = session.says()
    assert isinstance(reject, Reject)
    assert (reject.frame, reject.accepted) == (2, 0)
    assert ack == Ack(frame=1, stored="store")


def test_a_frame_that_nothing_was_kept_of_is_retried_whole() -> None:
    session = Session()
    session.send("m v=1\nm v=")
    session.lane.settle(RETRY)
    assert session.says() == [Retry(frame=1, after_ms=500)]


def test_rejects_of_the_scan_and_of_the_store_are_told_in_the_order_of_their_lines() -> None:
    session = Session()
    session.send("m v=1\nm v=\nm v=3\nm v=4")
    session.lane.settle(Outcome("store", (Refused(1, "field_type", "one"), Refused(4, "field_type", "four"))))
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert reject.accepted == 1
    assert [(point.line, point.code) for point in reject.rejected][::2] == [(1, "field_type"), (4, "field_type")]


def test_a_time_far_from_the_hubs_is_rejected_and_the_rest_is_kept() -> None:
    session = Session(precision="s")
    session.send("m v=1 1699999999\nm v=2 946684800\nm v=3 1900000000")
    session.lane.settle(STORED)
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert [(point.line, point.code) for point in reject.rejected] == [(2, "too_old"), (3, "too_new")]
    assert reject.accepted == 1
    assert [list(batch.numbers) for batch in session.lane.batches] == [[1]]


def test_more_rejects_than_are_listed_are_counted() -> None:
    session = Session()
    session.send("\n".join(["x"] * (MOST_LISTED + 7)))
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert (len(reject.rejected), reject.more, reject.accepted) == (MOST_LISTED, 7, 0)


def test_it_is_full_while_so_many_frames_have_no_outcome() -> None:
    session = Session()
    session.send("m v=1", "m v=2", "m v=3")
    full = [session.producer.is_full]
    session.send("m v=4")
    full.append(session.producer.is_full)
    session.lane.settle(STORED)
    assert session.says() == [Ack(frame=1, stored="store")]
    full.append(session.producer.is_full)
    assert full == [False, True, False]


def test_a_change_is_told_once_for_all_frames_behind_the_first() -> None:
    session = Session()
    session.send("m v=1", "m v=2", "m v=3")
    session.lane.settle(STORED, STORED, STORED)
    assert session.changes == 1


def test_a_frame_that_is_too_big_ends_the_session() -> None:
    with pytest.raises(SessionOver) as over:
        Session().send("x" * 1_001)
    assert over.value.code is Close.TOO_BIG
    assert "1000 bytes, not 1001" in over.value.reason


def test_auth_is_no_frame() -> None:
    session = Session()
    session.send('{"type": "auth", "token": "t"}', "m v=1")
    session.lane.settle(STORED)
    assert session.says() == [Ack(frame=1, stored="store")]


def test_what_only_looks_like_auth_is_a_frame() -> None:
    session = Session()
    session.send('{"type":"auth"}')
    (reject,) = session.says()
    assert isinstance(reject, Reject)
    assert reject.frame == 1
