import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.streams import StreamReader

from hub.backlog import FORMS, Backlog, Prepared, websocket_frame
from hub.encodings import Encoding
from hub.messages import Ack, Error, Progress, Window

JSON = FORMS[Encoding.JSON, False]
KIB = 1_024


def window(stop: int, plan: str = "P", revision: int = 0, size: int = 0) -> Prepared:
    rows = [("x" * size,)] if size else []
    return Prepared(
        plan,
        Window(plan=plan, start=stop - 10, stop=stop, revision=revision, final=False, rows=rows,
               points=1, late=0, queried_ms=1.5, sent=stop),
    )  # fmt: skip


def progress(until: int, plan: str = "P") -> Prepared:
    return Prepared(plan, Progress(plan=plan, final_until=until))


def ack(frame: int) -> bytes:
    return JSON.encode(Ack(frame=frame, stored="store"))


def told(backlog: Backlog) -> list[str]:
    """What leaves, in words."""
    words = []
    for data in backlog.take(2**30):
        match msgspec.json.decode(data):
            case {"type": "window", "plan": plan, "stop": stop, "revision": revision}:
                words.append(f"{plan}{stop}" + (f" revision {revision}" if revision else ""))
            case {"type": "skipped", "plan": plan, "windows": windows, "from": first, "to": last}:
                words.append(f"skipped {windows} of {plan}: {first} to {last}")
            case {"type": "progress", "plan": plan, "final_until": until}:
                words.append(f"{plan} final until {until}")
            case {"type": kind, **rest}:
                words.append(f"{kind} {rest.get('frame', '')}".strip())
    return words


def test_everything_leaves_in_the_order_it_came() -> None:
    backlog = Backlog(JSON, 10 * KIB)
    backlog.publish(window(10))
    assert backlog.add(ack(1))
    backlog.publish(progress(10))
    backlog.publish(window(10, "Q"))

    assert told(backlog) == ["P10", "ack 1", "P final until 10", "Q10"]
    assert backlog.bytes_waiting == 0


def test_over_the_budget_each_plan_keeps_its_newest_window_and_tells_what_was_left_out() -> None:
    backlog = Backlog(JSON, 2 * KIB)
    for stop in (10, 20, 30):
        backlog.publish(window(stop, size=500))
    backlog.publish(window(30, "Q", size=500))

    assert told(backlog) == ["skipped 2 of P: 10 to 20", "P30", "Q30"]


def test_what_was_left_out_is_told_once() -> None:
    backlog = Backlog(JSON, 1 * KIB)
    for stop in (10, 20):
        backlog.publish(window(stop, size=600))
    assert told(backlog) == ["skipped 1 of P: 10 to 10", "P20"]

    backlog.publish(window(30))
    assert told(backlog) == ["P30"]


def test_a_revision_that_replaces_its_own_window_leaves_none_out() -> None:
    backlog = Backlog(JSON, 1 * KIB)
    backlog.publish(window(10, size=600))
    backlog.publish(window(10, revision=1, size=600))

    assert told(backlog) == ["P10 revision 1"]


def test_a_correction_of_an_old_window_does_not_replace_the_newest() -> None:
    backlog = Backlog(JSON, 1 * KIB)
    backlog.publish(window(50, size=600))
    backlog.publish(window(10, revision=2, size=600))

    assert told(backlog) == ["skipped 1 of P: 10 to 10", "P50"]


def test_messages_are_never_dropped_and_keep_their_place() -> None:
    backlog = Backlog(JSON, 1 * KIB)
    backlog.add(ack(1))
    backlog.publish(window(10, size=600))
    backlog.add(ack(2))
    backlog.publish(window(20, size=600))
    backlog.add(ack(3))

    assert told(backlog) == ["ack 1", "ack 2", "skipped 1 of P: 10 to 10", "P20", "ack 3"]


def test_progress_and_trouble_keep_only_the_newest_when_over_the_budget() -> None:
    backlog = Backlog(JSON, 1 * KIB)
    for until in range(10, 110, 10):
        backlog.publish(progress(until))
        backlog.publish(Prepared("P", Error(id=None, code="store_unavailable", message=f"late since {until}")))
    backlog.publish(window(110, size=800))

    assert told(backlog) == ["P final until 100", "error", "P110"]


def test_one_frame_larger_than_the_budget_has_room() -> None:
    backlog = Backlog(JSON, 100)
    backlog.publish(window(10, size=4 * KIB))
    assert told(backlog) == ["P10"]
    assert backlog.add(JSON.encode(Error(id="a", code="internal", message="x" * KIB)))


def test_messages_are_refused_when_they_alone_are_over_the_budget() -> None:
    backlog = Backlog(JSON, 2 * len(ack(0)))
    assert [backlog.add(ack(frame)) for frame in range(4)] == [True, True, True, False]
    assert len(backlog.take(2**20)) == 3
    assert backlog.add(ack(4))


def test_windows_are_forgotten_before_a_close() -> None:
    backlog = Backlog(JSON, 10 * KIB)
    backlog.publish(window(10))
    backlog.add(ack(1))
    backlog.drop_publications()
    assert told(backlog) == ["ack 1"]


def test_a_part_is_taken_that_is_no_larger_than_asked_but_never_empty() -> None:
    backlog = Backlog(JSON, 10 * KIB)
    for frame in range(10):
        backlog.add(ack(frame))
    size = len(ack(0))

    assert len(backlog.take(3 * size)) == 3
    assert len(backlog.take(1)) == 1
    assert backlog.bytes_waiting == 6 * size
    assert len(backlog.take(2**20)) == 6
    assert backlog.take(2**20) == []


def test_a_window_is_encoded_once_for_each_form() -> None:
    prepared = window(10)
    for form in FORMS.values():
        assert prepared[form] is prepared[form]
    payload = prepared[FORMS[Encoding.MSGPACK, False]]
    assert prepared[FORMS[Encoding.MSGPACK, True]] == websocket_frame(payload, Encoding.MSGPACK)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("encoding", Encoding)
def test_a_frame_is_what_websockets_makes_of_it(size: int, encoding: Encoding) -> None:
    reader = StreamReader()
    reader.feed_data(websocket_frame(b"x" * size, encoding))
    parser = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as stopped:
        next(parser)

    frame = stopped.value.value
    assert (frame.data, frame.fin, frame.opcode.name) == (
        b"x" * size,
        True,
        "TEXT" if encoding is Encoding.JSON else "BINARY",
    )
    assert not reader.buffer


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("window"), st.sampled_from("PQR"), st.integers(0, 20), st.integers(0, 3)),
            st.tuples(st.just("ack"), st.just(""), st.integers(0, 20), st.just(0)),
            st.tuples(st.just("take"), st.just(""), st.integers(1, 600), st.just(0)),
        ),
        max_size=60,
    )
)
def test_whatever_comes_no_message_is_lost_and_each_window_is_sent_or_told_as_skipped(
    steps: list[tuple[str, str, int, int]],
) -> None:
    backlog = Backlog(JSON, 700)
    sent: list[bytes] = []
    for kind, plan, number, revision in steps:
        match kind:
            case "window":
                backlog.publish(window(number, plan, revision))
            case "ack":
                backlog.add(ack(number))
            case _:
                sent += backlog.take(number)
    sent += backlog.take(2**30)

    messages = [msgspec.json.decode(data) for data in sent]
    assert [m["frame"] for m in messages if m["type"] == "ack"] == [n for kind, _, n, _ in steps if kind == "ack"]
    for plan in "PQR":
        offered = {number for kind, key, number, _ in steps if kind == "window" and key == plan}
        received = {m["stop"] for m in messages if m["type"] == "window" and m["plan"] == plan}
        skipped = [m for m in messages if m["type"] == "skipped" and m["plan"] == plan]
        assert all(any(m["from"] <= stop <= m["to"] for m in skipped) for stop in offered - received)
        if offered:
            assert received
