"""New series of a device: counted by the hour, remembered for two, and never more than there is room for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.formats.line import scan
from streams.ingest import novelty
from streams.ingest.novelty import HOUR, Novelty

NOON = 472_222 * HOUR


class Devices:
    """Devices that send series by number, and are told which of them were refused."""

    def __init__(self, most_new: int) -> None:
        self.novelty = Novelty(most_new)

    def send(self, device: str, *series: int, hour: float = 0) -> list[int]:
        batch, _ = scan(b"\n".join(b"m,n=%d v=1 1" % number for number in series), now=NOON)
        found = self.novelty.rejects(device, batch, NOON + round(hour * HOUR))
        return [series[index] for index in found]


def test_so_many_new_series_and_no_more() -> None:
    devices = Devices(3)
    assert devices.send("a", 1, 2) == []
    assert devices.send("a", 1, 2, 3, 4, 5, 4, 1, hour=0.5) == [4, 5, 4]
    assert devices.send("a", 4, 3, hour=0.9) == [4]


def test_each_device_has_its_own() -> None:
    devices = Devices(1)
    assert devices.send("a", 1, 2) == [2]
    assert devices.send("b", 2, 1) == [1]


def test_a_new_hour_brings_new_ones_and_the_known_ones_stay() -> None:
    devices = Devices(2)
    assert devices.send("a", 1, 2, 3) == [3]
    assert devices.send("a", 1, 2, 3, 4, 5, hour=1) == [5]
    assert devices.send("a", 1, 2, 3, 4, 5, 6, 7, hour=2) == [7]


def test_what_was_not_sent_for_an_hour_is_new_again() -> None:
    devices = Devices(2)
    assert devices.send("a", 1, 2) == []
    assert devices.send("a", 1, 3, hour=1) == []
    assert devices.send("a", 1, 2, 4, 5, hour=2) == [5]
    assert devices.send("a", 1, 2, 4, hour=9) == [4]


def test_a_clock_that_was_set_back_loses_nothing_but_the_memory() -> None:
    devices = Devices(2)
    assert devices.send("a", 1, 2, hour=5) == []
    assert devices.send("a", 1, 2, 3, hour=3) == [3]


def test_the_message_names_the_series_and_the_setting() -> None:
    batch, _ = scan(b"m,n=1 v=1 1\nm,n=2 v=1 1", now=NOON)
    (reject,) = Novelty(1).rejects("a", batch, NOON).values()
    assert (reject.line, reject.code) == (2, "too_many_series")
    assert reject.message.startswith(
        "the series 'm,n=2' is new, and a device may bring 1 new ones in an hour (max_new_"
    )


def test_the_device_that_was_silent_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(novelty, "MOST_REMEMBERED", 5)
    devices = Devices(2)
    for device in "abc":
        devices.send(device, 1, 2)
    devices.send("b", 1)
    assert devices.send("b", 3) == [3]
    assert devices.send("a", 3, 4, 5) == [5]  # it starts anew


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 12), max_size=6), st.floats(0, 1)), max_size=30),
    st.integers(1, 4),
)
def test_it_is_what_its_definition_says(sent: list[tuple[str, list[int], float]], most_new: int) -> None:
    devices = Devices(most_new)
    now = 0.0
    accepted: dict[tuple[str, int], set[int]] = {}
    new: dict[tuple[str, int], int] = {}
    for device, series, wait in sent:
        now += wait
        hour = int(now)
        this, last = accepted.setdefault((device, hour), set()), accepted.get((device, hour - 1), set())
        refused = []
        for number in dict.fromkeys(series):
            if number not in this | last:
                if new.get((device, hour), 0) >= most_new:
                    refused.append(number)
                    continue
                new[device, hour] = new.get((device, hour), 0) + 1
            this.add(number)
        assert devices.send(device, *series, hour=now) == [number for number in series if number in refused]
