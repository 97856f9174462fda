from hub.client import Backoff


def test_the_delay_doubles_up_to_the_longest() -> None:
    backoff = Backoff(first=1, longest=5, chance=lambda: 1.0)
    assert [backoff.delay() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_success_makes_the_next_failure_a_first_one() -> None:
    backoff = Backoff(first=1, longest=5, chance=lambda: 1.0)
    backoff.delay()
    backoff.delay()
    backoff.succeeded()
    assert backoff.delay() == 1


def test_jitter_is_full_and_never_earlier_than_the_hub_asked() -> None:
    assert Backoff(first=1, chance=lambda: 0.0).delay(retry_after=3) == 3
    assert Backoff(first=1, chance=lambda: 0.5).delay(retry_after=3) == 3.5


def test_a_thousand_failures_are_no_overflow() -> None:
    backoff = Backoff(first=1, longest=30, chance=lambda: 1.0)
    assert {backoff.delay() for _ in range(2_000)} >= {30.0}
