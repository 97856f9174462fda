"""Frames and their outcomes, as a transcript: what was written, what left, what the hub said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.client.errors import ProtocolViolated
from hub.client.messages import RejectedPoint
from hub.client.unacknowledged import FRAME_BYTES, Unacknowledged


def written(*lines: bytes, max_unacked: int = 64) -> Unacknowledged:
    device = Unacknowledged()
    for line in lines:
        device.add(line)
    device.connected(max_unacked, 4 * 1024 * 1024)
    return device


def sent_one_by_one(*lines: bytes, max_unacked: int = 64) -> Unacknowledged:
    device = written(max_unacked=max_unacked)
    for line in lines:
        device.add(line)
        assert device.next_frame(0) == line
    return device


def refused(line: int) -> RejectedPoint:
    return RejectedPoint(line, "field_type", "temp is a float")


def test_lines_that_wait_leave_in_one_frame() -> None:
    device = written(b"a f=1", b"b f=1")
    assert device.next_frame(0) == b"a f=1\nb f=1"
    assert device.next_frame(0) is None
    device.ack(1)
    assert (len(device), device.settled, device.held_bytes) == (0, 2, 0)


def test_a_frame_is_cut_at_its_size() -> None:
    long = b"x" * (FRAME_BYTES - 10)
    device = written(long, b"next f=1", b"too much f=1")
    assert device.next_frame(0) == long + b"\nnext f=1"
    assert device.next_frame(0) == b"too much f=1"


def test_a_line_longer_than_a_frame_leaves_alone() -> None:
    long = b"x" * (FRAME_BYTES + 1)
    device = written(b"a f=1", long, b"b f=1")
    assert [device.next_frame(0) for _ in range(3)] == [b"a f=1", long, b"b f=1"]


def test_an_ack_covers_all_earlier_frames() -> None:
    device = sent_one_by_one(b"1", b"2", b"3")
    device.ack(2)
    assert device.lines() == [b"3"]


def test_what_is_complete_ends_at_the_first_line_without_an_outcome() -> None:
    device = sent_one_by_one(b"1", b"2", b"3")
    device.reject(2, [refused(1)])
    assert (device.complete, device.settled) == (0, 1)
    device.ack(1)
    assert device.complete == 2
    device.connected(64, 4 * 1024 * 1024)
    assert device.complete == 2
    device.next_frame(0)
    device.ack(1)
    assert device.complete == 3


def test_no_more_is_in_flight_than_the_hub_wants() -> None:
    device = sent_one_by_one(b"1", b"2", max_unacked=2)
    device.add(b"3")
    assert device.next_frame(0) is None
    device.ack(1)
    assert device.next_frame(0) == b"3"


def test_a_reject_settles_its_frame_and_names_the_text() -> None:
    device = written(b"a f=1", b"b f=1\nb f=x", b"c f=1", b"d f=x")
    device.next_frame(0)
    rejections = device.reject(1, [refused(5), refused(3)], more=2)
    assert [(rejection.text, rejection.line) for rejection in rejections] == [(b"b f=1\nb f=x", 2), (b"d f=x", 1)]
    assert (len(device), device.rejected) == (0, 4)


def test_a_reject_leaves_earlier_frames_open() -> None:
    device = sent_one_by_one(b"1", b"2")
    device.reject(2, [refused(1)])
    assert device.lines() == [b"1"]


def test_a_retry_waits_and_takes_all_later_frames_with_it() -> None:
    device = sent_one_by_one(b"old temp=1 7", b"new temp=2 7")
    device.retry(1, until=0.5)
    device.ack(2)
    assert device.lines() == [b"old temp=1 7", b"new temp=2 7"], "the ack was for the newer value's first sending"
    assert device.next_frame(0.4) is None
    assert device.resting(0.4) == pytest.approx(0.1)
    assert device.next_frame(0.5) == b"old temp=1 7\nnew temp=2 7"
    device.ack(3)
    assert device.lines() == []


def test_frames_before_a_retry_keep_their_place() -> None:
    device = sent_one_by_one(b"1", b"2", b"3")
    device.retry(3, until=0)
    device.retry(1, until=0)
    assert device.next_frame(0) == b"1\n2\n3"


def test_a_frame_sent_again_is_in_flight_twice_until_the_hub_has_said_so() -> None:
    device = sent_one_by_one(b"1", b"2", max_unacked=2)
    device.retry(1, until=0)
    assert device.next_frame(0) == b"1\n2"
    device.add(b"3")
    assert device.next_frame(0) is None
    device.reject(2, [refused(1)])
    assert device.rejected == 0, "the frame was sent again: its second outcome counts"
    assert device.next_frame(0) == b"3"


def test_after_a_reconnect_everything_open_comes_first_and_in_order() -> None:
    device = sent_one_by_one(b"1", b"2", b"3")
    device.ack(1)
    device.add(b"4")
    device.connected(64, 4 * 1024 * 1024)
    device.add(b"5")
    assert device.next_frame(0) == b"2\n3\n4\n5"
    device.ack(1)
    assert len(device) == 0


def test_an_outcome_of_a_frame_never_sent_is_refused() -> None:
    device = sent_one_by_one(b"1")
    with pytest.raises(ProtocolViolated, match="frame 2; 1 were sent"):
        device.ack(2)
    with pytest.raises(ProtocolViolated, match="frame 0; 1 were sent"):
        device.retry(0, until=0)
    assert device.lines() == [b"1"]


def test_a_reject_beyond_the_frame_is_refused() -> None:
    device = sent_one_by_one(b"1")
    with pytest.raises(ProtocolViolated, match="line 4 of a frame of 1 lines"):
        device.reject(1, [refused(4)])


class Hub:
    """A hub that keeps what it acknowledges: a line `key=value` sets a key, the last one holds."""

    def __init__(self) -> None:
        self.stored: dict[bytes, bytes] = {}
        self.unanswered: list[tuple[int, bytes]] = []
        self.frames = 0

    def take(self, frame: bytes) -> None:
        self.frames += 1
        self.unanswered.append((self.frames, frame))

    def answer(self, device: Unacknowledged, keep: bool) -> None:
        number, frame = self.unanswered.pop(0)
        if keep:
            for line in frame.split(b"\n"):
                key, value = line.split(b"=")
                self.stored[key] = value
            device.ack(number)
        else:
            device.retry(number, until=0)

    def drop_connection(self) -> None:
        self.frames = 0
        self.unanswered.clear()


steps = st.lists(st.sampled_from(["write", "send", "keep", "retry", "reconnect"]), max_size=60)


@given(steps, st.integers(1, 4))
def test_whatever_happens_the_newest_value_holds_in_the_end(events: list[str], max_unacked: int) -> None:
    device, hub = written(max_unacked=max_unacked), Hub()
    newest: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    for count, event in enumerate([*events, "reconnect"]):
        if event == "write":
            key, value = b"k%d" % (count % 2), b"%d" % count
            device.add(key + b"=" + value)
            lines.append(key + b"=" + value)
            newest[key] = value
        elif event == "send" and (frame := device.next_frame(0)) is not None:
            hub.take(frame)
        elif event in ("keep", "retry") and hub.unanswered:
            hub.answer(device, keep=event == "keep")
        elif event == "reconnect":
            hub.drop_connection()
            device.connected(max_unacked, 8)
        assert lines[device.complete :][:1] == device.lines()[:1]
        unacknowledged = {line.split(b"=")[0] for line in device.lines()}
        assert all(hub.stored[key] == value for key, value in newest.items() if key not in unacknowledged)
    while (frame := device.next_frame(0)) is not None:
        hub.take(frame)
        hub.answer(device, keep=True)
    assert (hub.stored, len(device), device.held_bytes) == (newest, 0, 0)
