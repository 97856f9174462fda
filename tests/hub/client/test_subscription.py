"""What a subscription makes of the hub's messages, over one connection or several."""

import json
from typing import Any

import pytest

from hub.client.errors import HubRefused
from hub.client.messages import (
    Column,
    Error,
    History,
    Live,
    PastWindow,
    Progress,
    Skipped,
    Subscribed,
    Window,
)
from hub.client.subscription import Subscription


def granted(history: str | None = None, session: str = "s1") -> Subscription:
    subscription = Subscription({"stream": "cpu"}, history)
    grant(subscription, session)
    return subscription


def grant(subscription: Subscription, session: str) -> dict[str, Any]:
    subscription.connected(session)
    request: dict[str, Any] = json.loads(subscription.subscribe())
    subscription.receive(Subscribed("1", "P", (Column("temp.mean", "float"),), 1_000, 1_000, 1_000))
    return request


def past(stop: int, revision: int = 0, *, final: bool = True) -> PastWindow:
    return PastWindow(stop - 1_000, stop, revision, final, ((1.0,),))


def window(stop: int, revision: int = 0, *, final: bool = False, plan: str = "P") -> Window:
    return Window(plan, stop - 1_000, stop, revision, final, ((1.0,),), 1, 0, 0.5, stop)


def stops(windows: list[Window]) -> list[int]:
    return [one.stop for one in windows]


def test_the_first_request_asks_for_the_history() -> None:
    subscription = Subscription({"stream": "cpu", "where": {"host": "a"}}, "5m")
    assert json.loads(subscription.subscribe()) == {
        "type": "subscribe",
        "id": "1",
        "stream": "cpu",
        "where": {"host": "a"},
        "history": "5m",
    }


def test_history_then_live_windows_are_delivered_once() -> None:
    subscription = granted("5m")
    assert stops(subscription.receive(History("1", (past(1_000), past(2_000))))) == [1_000, 2_000]
    assert stops(subscription.receive(History("1", (past(3_000, final=False),)))) == [3_000]
    assert subscription.receive(Live("1", 3_000)) == []
    assert stops(subscription.receive(window(4_000))) == [4_000]


def test_only_a_higher_revision_of_a_window_is_news() -> None:
    subscription = granted()
    assert stops(subscription.receive(window(1_000))) == [1_000]
    assert subscription.receive(window(1_000)) == []
    assert stops(subscription.receive(window(1_000, 2, final=True))) == [1_000]
    assert subscription.receive(window(1_000, 1)) == []


def test_windows_of_other_plans_are_not_ours() -> None:
    assert granted().receive(window(1_000, plan="Q")) == []


def test_a_resume_asks_for_all_that_is_not_known_final() -> None:
    subscription = granted("5m")
    subscription.receive(History("1", (past(1_000), past(2_000), past(3_000, final=False))))
    subscription.receive(window(4_000))
    assert grant(subscription, "s1")["after"] == 2_000
    subscription.receive(Progress("P", 3_000))
    assert grant(subscription, "s1")["after"] == 3_000


def test_a_resume_within_one_session_delivers_only_what_is_news() -> None:
    subscription = granted("5m")
    subscription.receive(History("1", (past(1_000), past(2_000, final=False))))
    grant(subscription, "s1")
    assert stops(subscription.receive(History("1", (past(2_000), past(3_000))))) == [3_000]


def test_in_a_new_session_the_first_received_replaces_the_old() -> None:
    subscription = granted("5m")
    subscription.receive(window(1_000, 4))
    grant(subscription, "s2")
    assert stops(subscription.receive(History("1", (past(1_000, 0),)))) == [1_000]


def test_a_resume_before_anything_was_final_asks_from_the_first_window() -> None:
    subscription = granted("5m")
    subscription.receive(History("1", (past(7_000, final=False), past(8_000, final=False))))
    assert grant(subscription, "s1")["after"] == 6_999


def test_without_history_a_resume_goes_on_at_the_seam() -> None:
    subscription = granted()
    subscription.receive(Live("1", 5_000))
    assert grant(subscription, "s1")["after"] == 5_000


def test_what_was_skipped_is_asked_for() -> None:
    subscription = granted()
    subscription.receive(Progress("P", 2_000))
    subscription.receive(Skipped("P", 3, to=6_000, from_=4_000))
    request = json.loads(subscription.subscribe())
    subscription.receive(Progress("P", 6_000))
    assert request["after"] == 2_000
    assert json.loads(subscription.subscribe())["after"] == 2_000, "progress before the new grant is not about it"


def test_a_refusal_names_its_code() -> None:
    with pytest.raises(HubRefused, match="no stream") as caught:
        granted().receive(Error("1", "unknown_stream", "no stream is named cpu"))
    assert caught.value.code == "unknown_stream"


def test_what_will_pass_is_no_refusal() -> None:
    assert granted().receive(Error("1", "store_unavailable", "away", 500)) == []
    assert granted().receive(Error(None, "store_unavailable", "windows are late")) == []


def test_revisions_of_long_ago_are_forgotten() -> None:
    subscription = Subscription({"stream": "cpu"}, remembered=2)
    grant(subscription, "s1")
    for stop in (1_000, 2_000, 3_000):
        subscription.receive(window(stop))
    assert stops(subscription.receive(window(1_000))) == [1_000]
    assert subscription.receive(window(3_000)) == []


def test_coming_back_it_says_what_it_has_seen_so_that_it_is_told_what_was_corrected_since() -> None:
    subscription = Subscription({"stream": "cpu"}, "5m")
    subscription.connected("s1", 1_000)
    assert "seen" not in json.loads(subscription.subscribe())
    subscription.receive(Subscribed("1", "P", (Column("temp.mean", "float"),), 1_000, 1_000, 1_000))
    subscription.receive(History("1", (past(2_000),)))
    subscription.receive(window(9_000))
    assert json.loads(subscription.subscribe())["seen"] == 1_000, "what came before the seam may not be all"
    subscription.receive(Live("1", 2_000))
    subscription.receive(Subscribed("1", "P", (), 1_000, 1_000, 1_000))
    subscription.receive(window(10_000))
    assert json.loads(subscription.subscribe())["seen"] == 10_000


def test_another_subscription_goes_on_where_one_ended() -> None:
    later = Subscription({"stream": "cpu"}, after=2_000, seen=9_000)
    later.connected("s2", 20_000)
    request = json.loads(later.subscribe())
    assert (request["after"], request["seen"], later.seen) == (2_000, 9_000, 9_000)
    later.receive(Subscribed("1", "P", (), 1_000, 1_000, 1_000))
    corrected, new = later.receive(History("1", (past(1_000, 3), past(3_000))))
    assert (corrected.correction, new.correction) == (True, False)
    assert later.final_until == 3_000


def test_a_window_that_was_final_is_corrected() -> None:
    subscription = granted()
    subscription.receive(Live("1", 0))
    assert [one.correction for one in subscription.receive(window(1_000))] == [False]
    assert [one.correction for one in subscription.receive(window(1_000, 1, final=True))] == [False]
    subscription.receive(Progress("P", 1_000))
    assert [one.correction for one in subscription.receive(window(1_000, 2, final=True))] == [True]


def test_what_is_said_of_an_earlier_request_does_not_concern_the_present_one() -> None:
    subscription = granted()
    assert json.loads(subscription.unsubscribe()) == {"type": "unsubscribe", "id": "1"}
    assert json.loads(subscription.subscribe())["id"] == "2"
    assert subscription.receive(Error("1", "invalid_query", "no window stops then")) == []
