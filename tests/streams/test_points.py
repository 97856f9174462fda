from hypothesis import given
from hypothesis import strategies as st

from streams.points import Batch, Kind, Series, Shape

SERIES = [Series("m", (("site", name),), b"m,site=%s" % name.encode()) for name in "abc"]
SHAPES: list[Shape] = [(("f", Kind.FLOAT),), (("f", Kind.FLOAT), ("g", Kind.INTEGER))]


def batch(*points: tuple[int, int]) -> Batch:
    """Points of these series and shapes, by their numbers."""
    return Batch(
        [b"%s f=1 %d" % (SERIES[series].key, time) for time, (series, _) in enumerate(points)],
        [SERIES[series] for series, _ in points],
        [SHAPES[shape] for _, shape in points],
        range(len(points)),
        range(1, len(points) + 1),
    )


def test_different_series_and_shapes_are_each_there_once_in_the_order_they_came() -> None:
    points = batch((1, 0), (0, 0), (1, 0), (1, 1))
    assert list(points.different_series) == [SERIES[1], SERIES[0]]
    assert list(points.different_shapes) == SHAPES


POINTS = st.tuples(st.integers(0, 2), st.integers(0, 1))


@given(st.lists(st.tuples(st.lists(POINTS), st.booleans())))
def test_batches_put_together_have_the_series_and_shapes_of_all(
    parts: list[tuple[list[tuple[int, int]], bool]],
) -> None:
    batches = []
    for points, judged in parts:
        part = batch(*points)
        batches.append(part)
        if judged:
            assert len(part.different_series) <= len(part)
            assert len(part.different_shapes) <= len(part)
            assert not points or part.first_time <= part.last_time
    whole = Batch.concat(batches)
    together = batch(*(point for points, _ in parts for point in points))
    assert list(whole.series) == list(together.series)
    assert list(whole.different_series) == list(together.different_series)
    assert list(whole.different_shapes) == list(together.different_shapes)
    assert not whole or (whole.first_time, whole.last_time) == (min(whole.times), max(whole.times))
