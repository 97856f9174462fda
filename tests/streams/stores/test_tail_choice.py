"""Reading points once for all plans, or having each plan ask the database: what was measured decides."""

from streams.queries import Query, parse_query
from streams.stores.tail_choice import REVIEW_MS, TRIED_MS, Choice, reckoned

BEGIN = 1_000_000


def plans(count: int) -> list[Query]:
    return [parse_query(measurement="m", select={"f": ["mean"]}, every="1s")] * count


class Measured:
    """A choice, and periods in which its way took a part of the time."""

    def __init__(self) -> None:
        self.choice = Choice()
        self.now = BEGIN
        self.choice.review(self.now, None)

    def period(self, cost: float, database: float | None) -> bool:
        """Whether the database is asked directly after it."""
        self.choice.spent(cost * REVIEW_MS)
        self.now += REVIEW_MS
        self.choice.review(self.now, database)
        return self.choice.direct


def test_the_database_is_asked_where_that_is_reckoned_to_be_much_cheaper() -> None:
    measured = Measured()
    assert not measured.period(0.2, 0.19)
    assert not measured.period(0.2, 0.14)
    assert measured.period(0.2, 0.1)


def test_what_costs_next_to_nothing_is_left_as_it_is() -> None:
    assert not Measured().period(0.019, 0.001)


def test_a_plan_that_only_points_can_answer_keeps_the_tail_or_brings_it_back_at_once() -> None:
    measured = Measured()
    assert not measured.period(0.5, None)
    assert measured.period(0.5, 0.1)
    assert measured.choice.review(measured.now + 1, None)
    assert not measured.choice.direct


def test_a_database_that_turns_out_to_cost_more_is_left_and_not_tried_again_soon() -> None:
    measured = Measured()
    assert measured.period(0.2, 0.1)
    assert measured.period(0.15, 0.1)
    assert not measured.period(0.25, 0.1)
    for _ in range(TRIED_MS // REVIEW_MS - 1):
        assert not measured.period(0.2, 0.1)
    assert measured.period(0.2, 0.1)


def test_what_the_tail_costs_is_measured_again_after_a_while() -> None:
    measured = Measured()
    assert measured.period(0.2, 0.1)
    periods = 1
    while measured.period(0.1, 0.1):
        periods += 1
    assert periods * REVIEW_MS == TRIED_MS
    assert not measured.period(0.1, 0.1)


def test_one_plan_over_dense_series_is_cheaper_in_the_database_and_twenty_are_not() -> None:
    dense = 2 * 10_000 * 0.009 / 1_000  # reading 10,000 points a second twice, at what a point takes
    assert reckoned(plans(1), 100, 10) * 1.5 < dense
    assert reckoned(plans(20), 100, 10) > dense
    sparse = 2 * 1_000 * 0.009 / 1_000
    assert reckoned(plans(1), 1_000, 1) > sparse
