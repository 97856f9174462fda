"""What was sent of windows comes out of its few bytes as it went in."""

from hypothesis import given
from hypothesis import strategies as st

from streams.engine.records import MOST_SENDINGS, Records, Sending, digest

NUMBERS = st.integers(0, 2**63 - 1)
SENDINGS = st.builds(Sending, NUMBERS, NUMBERS, NUMBERS)


@given(st.lists(st.tuples(st.integers(0, 2), st.binary(min_size=8, max_size=8), NUMBERS, SENDINGS), max_size=20))
def test_every_sending_is_kept_and_of_the_rest_the_latest(
    added: list[tuple[int, bytes, int, Sending]],
) -> None:
    records, wanted = Records(), dict[int, list[tuple[bytes, int, Sending]]]()
    for stop, seen, change, sending in added:
        wanted.setdefault(stop, []).append((seen, change, sending))
        assert records.add(stop, seen, change, sending).latest == sending

    assert list(records) == list(wanted)
    for stop, several in wanted.items():
        record = records[stop]
        assert record.sendings == tuple(sending for _, _, sending in several)
        assert (record.digest, record.change, record.latest) == several[-1]


def test_of_many_sendings_the_first_and_the_latest_are_kept() -> None:
    records = Records()
    for revision in range(100):
        records.add(1_000, b"12345678", revision, Sending(revision, revision, 0))
    kept = [sending.revision for sending in records[1_000].sendings]
    assert kept == [0, *range(100 - MOST_SENDINGS + 1, 100)]


def test_points_after_the_first_sending_are_late_and_never_fewer_than_none() -> None:
    records = Records()
    record = records.add(1_000, b"12345678", 1, Sending(0, 5, 10))
    assert (record.late(13), record.late(9)) == (3, 0)


def test_what_was_forgotten_is_unknown() -> None:
    records = Records()
    assert records.get(1_000) is None
    record = records.add(1_000, digest([("roof", 1.0)]), 1, Sending(0, 5, 10))
    assert records.pop(1_000) == record
    assert (1_000 in records, len(records), records.get(1_000)) == (False, 0, None)
