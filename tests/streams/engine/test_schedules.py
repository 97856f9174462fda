"""Random schedules of points, subscriptions, leaves, restarts and store trouble: what is shown is what came."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.streams.engine.world import QUERIES, World
from tests.streams.simulation import simulate

Schedule = list[tuple[int, tuple[object, ...]]]
"""Milliseconds to wait, and then what to do."""

SCHEDULES = settings().max_examples * (5 if os.environ.get("CI") == "true" else 1)

worker = st.integers(0, 1)
age = st.one_of(st.integers(-50, 400), st.integers(300, 1_700), st.integers(1_500, 6_000))
action = st.one_of(
    st.tuples(st.just("send"), worker, st.sampled_from("ab"), age),
    st.tuples(st.just("send"), worker, st.sampled_from("ab"), age),
    st.tuples(st.just("subscribe"), worker, st.integers(0, len(QUERIES) - 1), st.integers(0, 5_000)),
    st.tuples(st.just("leave"), st.integers(0, 9)),
    st.tuples(st.just("away"), st.integers(0, 9), st.integers(0, 3_000)),
    st.tuples(st.just("restart"), worker),
    st.tuples(st.just("store"), st.sampled_from([1, 20, 300, 1_500]), st.sampled_from([0.0, 0.2, 0.6])),
)
schedule = st.lists(st.tuples(st.integers(0, 900), action), min_size=10, max_size=30)


async def play(steps: Schedule, seed: int) -> None:
    with TemporaryDirectory() as directory:
        await play_in(World(seed, Path(directory)), steps)


async def play_in(world: World, steps: Schedule) -> None:
    for pause, (name, *arguments) in steps:
        await world.clock.sleep(pause)
        await world.act(str(name), *arguments)
    await world.rest()


@settings(max_examples=SCHEDULES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@example([(0, ("subscribe", 0, 0, 0)), (0, ("away", 0, 0)), (0, ("restart", 0))], 0)  # it comes back meanwhile
@given(schedule, st.integers(0, 2**32 - 1))
def test_what_is_shown_is_what_came(steps: Schedule, seed: int) -> None:
    simulate(lambda: play(steps, seed))
