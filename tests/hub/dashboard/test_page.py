"""What the page makes of the hub's messages, and what it says of the connection."""

import json

import pytest
from playwright.sync_api import expect

from tests.hub.dashboard.scripted_hub import STREAM, ScriptedHub

pytestmark = pytest.mark.browser


def test_a_stream_has_a_panel_with_its_values(hub: ScriptedHub) -> None:
    page = hub.open()
    assert hub.grant()["history"] == "5m"
    hub.window(0, 21.5)
    expect(page.get_by_role("heading", name="weather")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Live")
    hub.shows("21.5")
    expect(page.locator(".chip")).to_have_text(["temp: mean", "by site", "+ filter", "every 1 s"])
    assert page.url.endswith("/"), "what the page opens with needs no address"


def test_within_a_session_the_highest_revision_holds(hub: ScriptedHub) -> None:
    hub.open()
    hub.grant()
    hub.window(0, 10.0)
    hub.window(0, 12.0, revision=2)
    hub.window(0, 11.0, revision=1)
    hub.window(1, 99.0)
    hub.shows("12.0")


def test_after_a_restart_it_goes_on_where_it_was_and_takes_the_new_sessions_word(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.window(1, 10.0)
    hub.window(0, 11.0, revision=3, sent=hub.second + 60_000)
    hub.say(type="progress", plan="P", final_until=hub.second - 1_000)
    hub.shows("11.0")
    hub.sockets[-1].close(code=1012, reason=json.dumps({"retry_after_ms": 1_500}))
    expect(page.get_by_role("status")).to_contain_text("No connection, next try in")
    request = hub.grant()
    assert (request["after"], request["seen"]) == (hub.second - 1_000, hub.second + 60_000)
    assert "history" not in request
    window = {"start": hub.second - 1_000, "stop": hub.second, "revision": 0, "final": True, "rows": [["s1", 10.5]]}
    hub.say(type="history", id=request["id"], plan="P", windows=[window], more=False)
    hub.shows("10.5")
    expect(page.locator("#facts")).to_contain_text("1 reconnect")


def test_what_was_skipped_is_said_and_asked_for(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.window(5, 1.0)
    hub.say(type="progress", plan="P", final_until=hub.second - 5_000)
    skipped = {"from": hub.second - 4_000, "to": hub.second - 2_000}
    hub.say(type="skipped", plan="P", windows=3, **skipped)
    hub.request("unsubscribe")
    assert hub.request()["after"] == hub.second - 5_000
    expect(page.locator(".note")).to_contain_text("3 windows were skipped")
    expect(page.locator("#facts")).to_contain_text("3 skipped")


def test_a_refusal_is_shown_on_the_panel_and_a_passing_failure_tried_again(hub: ScriptedHub) -> None:
    page = hub.open()
    request = hub.request()
    hub.say(type="error", id=request["id"], code="internal", message="the hub failed", retry_after_ms=None)
    expect(page.locator(".panel .trouble")).to_have_text("the hub failed")
    hub.say(type="error", id=request["id"], code="store_unavailable", message="away", retry_after_ms=10)
    hub.grant()
    expect(page.locator(".panel .trouble")).to_be_hidden()


def test_late_windows_are_said_until_they_come(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.say(type="error", id=None, code="store_unavailable", message="windows are late", retry_after_ms=1_000)
    expect(page.locator(".panel .trouble")).to_have_text("windows are late")
    hub.window(0, 1.0)
    expect(page.locator(".panel .trouble")).to_be_hidden()


def test_a_correction_of_a_final_window_flashes_and_a_revision_of_a_provisional_one_does_not(hub: ScriptedHub) -> None:
    hub.open("#table=weather")
    hub.grant()
    hub.window(1, 1.0, final=True)
    hub.window(0, 2.0)
    rows = hub.page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_have_class("provisional")
    expect(rows.nth(1)).to_have_class("final")
    hub.window(0, 3.0, revision=1)
    expect(rows.nth(0)).to_contain_text("3.00")
    expect(rows.nth(0)).to_have_class("provisional")
    hub.window(1, 9.0, revision=1, final=True)
    expect(rows.nth(1)).to_have_class("final corrected")
    expect(rows.nth(1)).to_contain_text("final, revision 1")


def test_pointing_at_a_time_shows_its_values(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    for ago in range(30, -1, -1):
        hub.window(ago, 100.0 + ago)
    hub.shows("100")
    over = page.locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    expect(page.locator(".legend data")).not_to_have_text("100")
    expect(page.locator(".tip")).to_contain_text("provisional")
    page.mouse.move(0, 0)
    hub.shows("100")
    expect(page.locator(".tip")).to_be_hidden()


def test_columns_of_one_unit_share_a_chart(hub: ScriptedHub) -> None:
    page = hub.open()
    names = ["used_bytes.mean", "free_bytes.mean", "load1.last", "load5.last", "temp.count", "state.last"]
    kinds = ["float", "float", "float", "float", "integer", "string"]
    hub.grant(columns=[{"name": name, "kind": kind, "unit": None} for name, kind in zip(names, kinds, strict=True)])
    hub.window(0, None, rows=[[3 * 2**30, 1536.0, 0.5, 0.25, 7, "on"]])
    expect(page.locator("figcaption")).to_have_text(["mean · B", "last", "temp · count"])
    expect(page.locator(".legend data")).to_have_text(["3.00 GiB", "1.50 KiB", "0.50", "0.25", "7.00"])


def test_without_streams_it_says_how_to_have_some(hub: ScriptedHub) -> None:
    hub.streams = []
    page = hub.open()
    expect(page.get_by_role("heading", name="No streams yet")).to_be_visible()
    page.get_by_role("button", name="Write a query").click()
    expect(page.get_by_role("combobox", name="Query")).to_be_focused()


def test_without_points_it_says_so(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.window(0, None, rows=[])
    expect(page.locator(".note")).to_contain_text("No points in this span yet")
    hub.window(-1, 1.0)
    expect(page.locator(".note")).to_be_hidden()


def test_a_thousand_groups_are_cut_to_what_can_be_read(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.window(0, None, rows=[[f"site {number}", float(number)] for number in range(1_000)])
    expect(page.locator(".legend li")).to_have_count(25)
    expect(page.locator(".legend li").last).to_contain_text("and 976 more")


def test_what_is_out_of_sight_is_not_sent_and_comes_back_without_a_hole(hub: ScriptedHub) -> None:
    hub.streams = [{**STREAM, "name": f"s{number}"} for number in range(8)]
    page = hub.open()
    granted = [hub.grant(plan=f"P{number}") for number in range(8)]
    ended = hub.request("unsubscribe")["id"]
    last = granted[-1]
    hub.until(lambda: ended == last["id"] or any(request.get("id") == last["id"] for request in hub.requests))
    hub.requests.clear()
    page.locator("section").last.scroll_into_view_if_needed()
    hub.until(lambda: any(request["type"] == "subscribe" and request["stream"] == "s7" for request in hub.requests))
    back = next(request for request in hub.requests if request.get("stream") == "s7")
    assert "after" in back or back["history"] == "5m"


def test_a_hub_that_wants_a_token_is_given_one_that_stays_out_of_the_address(hub: ScriptedHub) -> None:
    hub.token = "secret"
    page = hub.open()
    hub.complaints.heard.clear()
    expect(page.get_by_role("heading", name="This hub asks for a token")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill("secret")
    page.get_by_role("button", name="Continue").click()
    assert hub.request("auth")["token"] == "secret"
    hub.grant()
    hub.window(0, 4.5)
    hub.shows("4.50")
    assert "secret" not in page.url
    hub.complaints.heard.clear()  # the browser itself reports the answer 401
    page.reload()
    assert hub.request("auth")["token"] == "secret"
    hub.sockets[-1].close(code=4401, reason="the token has expired")
    expect(page.get_by_role("dialog")).to_contain_text("the hub needs a valid token (the token has expired)")
