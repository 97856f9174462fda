"""When to ask the store again, and when to say that it does not answer."""

import pytest

from streams.clock import NEVER
from streams.engine.attempts import Attempts, retry_delay


def test_the_delay_doubles_up_to_five_seconds() -> None:
    assert [retry_delay(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 100)] == [
        *(100, 200, 400, 800, 1_600, 3_200),
        *(5_000, 5_000),
    ]


@pytest.mark.parametrize(("wish", "delay"), [(0, 0), (700, 700), (3_600_000, 10_000)])
def test_the_store_may_wish_for_a_delay_within_reason(wish: int, delay: int) -> None:
    assert retry_delay(5, wish) == delay


def test_what_is_due_is_asked_for_at_once_and_after_a_failure_later() -> None:
    attempts = Attempts()
    assert not attempts.ready(NEVER, 1_000)
    assert not attempts.ready(1_001, 1_000)
    assert attempts.ready(1_000, 1_000)
    attempts.asked(1_000)
    attempts.failed(1_050, "it is down")
    assert not attempts.ready(1_000, 1_149)
    assert attempts.wake_at(1_000) == 1_150
    assert attempts.ready(1_000, 1_150)


def test_trouble_is_told_after_ten_seconds_without_an_answer_and_every_ten_seconds() -> None:
    attempts = Attempts()
    attempts.asked(1_000)
    attempts.failed(10_900, "it is down")
    attempts.asked(11_000)
    assert attempts.trouble(10_999) is None
    trouble = attempts.trouble(11_000)
    assert trouble is not None
    assert trouble.message == "the store has not answered for 10 s: it is down; windows come late, none is lost"
    assert attempts.trouble(20_999) is None
    assert attempts.trouble(21_000) is not None


def test_trouble_says_when_the_store_is_asked_again() -> None:
    attempts = Attempts()
    attempts.asked(0)
    attempts.failed(9_950, "it is down")
    trouble = attempts.trouble(10_000)
    assert trouble is not None
    assert trouble.retry_after_ms == 50


def test_an_answer_ends_the_trouble() -> None:
    attempts = Attempts()
    attempts.asked(0)
    attempts.failed(9_000, "it is down")
    attempts.answered()
    assert attempts.trouble(50_000) is None
    assert attempts.ready(0, 9_000)
    assert attempts.wake_at(NEVER) == NEVER
