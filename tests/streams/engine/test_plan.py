"""How many windows to ask for at once."""

from streams.engine.plan import Stride


def test_small_quick_answers_let_the_next_be_twice_as_big_up_to_a_limit() -> None:
    stride = Stride()
    sizes = []
    for _ in range(7):
        stride.learn(stride.windows, rows=10, took_ms=1)
        sizes.append(stride.windows)
    assert sizes == [32, 64, 128, 256, 512, 512, 512]


def test_an_answer_with_too_many_rows_or_too_slow_makes_the_next_smaller() -> None:
    stride = Stride()
    stride.learn(16, rows=20_000, took_ms=1)
    assert stride.windows == 4
    stride.learn(4, rows=10, took_ms=800)
    assert stride.windows == 1
    stride.learn(1, rows=1_000_000, took_ms=1)
    assert stride.windows == 1


def test_a_single_window_says_nothing_against_many() -> None:
    stride = Stride()
    stride.learn(1, rows=1, took_ms=1)
    assert stride.windows == 16


def test_a_store_that_is_always_slow_is_not_asked_for_single_windows_of_the_past() -> None:
    stride = Stride(least=8)
    stride.learn(16, rows=10, took_ms=5_000)
    assert stride.windows == 8
    stride.learn(8, rows=40_000, took_ms=5_000)
    assert stride.windows == 1
