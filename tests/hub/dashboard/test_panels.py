"""What a person does with panels: change them, write queries, look at tables, zoom, pause, send a view."""

import re
from urllib.parse import unquote_plus

import pytest
from playwright.sync_api import Page, expect

from tests.hub.dashboard.scripted_hub import ScriptedHub

pytestmark = pytest.mark.browser


def fragment(page: Page) -> str:
    """The view in the page's address, as a person reads it."""
    return unquote_plus(page.url.partition("#")[2])


def has_address(hub: ScriptedHub, text: str) -> None:
    """The browser tells us of a new address a little later than it has it."""
    hub.until(lambda: fragment(hub.page) == text)


def chip(page: Page, index: int) -> None:
    """Open the menu of the first panel that changes its fields, groups, filter or window."""
    page.locator(".chip").nth(index).click()
    expect(page.locator(".menu")).to_be_visible()


def test_aggregates_are_changed_in_place(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    chip(page, 0)
    page.locator(".menu").get_by_text("p95", exact=True).first.click()
    assert hub.grant()["query"] == {
        "measurement": "w",
        "select": {"temp": ["mean", "p95"]},
        "group_by": ["site"],
        "where": {},
        "every": "1s",
        "window": "1s",
    }
    has_address(hub, "chart=w temp:mean,p95 by site 1s")
    page.locator(".menu").get_by_text("mean", exact=True).first.click()
    assert hub.grant()["query"]["select"] == {"temp": ["p95"]}


def test_groups_filter_and_window_are_changed_in_place(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    chip(page, 1)
    page.locator(".menu").get_by_text("dev", exact=True).click()
    assert hub.grant()["query"]["group_by"] == ["site", "dev"]
    page.keyboard.press("Escape")
    chip(page, 2)
    page.locator(".menu").get_by_text("s2", exact=True).click()
    assert hub.grant()["query"]["where"] == {"site": ["s2"]}
    page.keyboard.press("Escape")
    chip(page, 3)
    page.get_by_label("over the last").fill("1m")
    page.get_by_label("over the last").press("Enter")
    request = hub.grant()
    assert (request["query"]["every"], request["query"]["window"]) == ("1s", "1m")
    has_address(hub, "chart=w temp:mean where site=s2 by site,dev 1s window 1m")


def test_a_filter_alone_leaves_a_stream_the_stream_that_it_is(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    chip(page, 2)
    page.locator(".menu").get_by_text("s1", exact=True).click()
    request = hub.grant()
    assert (request["stream"], request["where"]) == ("weather", {"site": ["s1"]})
    has_address(hub, "chart=weather where site=s1")


def test_a_query_is_written_with_completion(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    page.keyboard.press("n")
    query = page.get_by_role("combobox", name="Query")
    expect(query).to_be_focused()
    expect(page.get_by_role("option").first).to_contain_text("weather")
    query.press_sequentially("w ")
    expect(page.get_by_role("option", name="temp:")).to_be_visible()
    query.press_sequentially("te")
    query.press("Tab")
    expect(query).to_have_value("w temp:")
    query.press("ArrowDown")
    query.press("Enter")
    expect(query).to_have_value("w temp:mean")
    query.press_sequentially(" by si")
    query.press("Tab")
    query.press_sequentially(" 10")
    query.press("Enter")
    expect(page.locator("dialog .trouble")).to_contain_text("10 is not a duration")
    query.press_sequentially("s")
    query.press("Enter")
    request = hub.grant()
    assert (request["query"]["select"], request["query"]["every"]) == ({"temp": ["mean"]}, "10s")
    has_address(hub, "chart=w temp:mean by site 10s&chart=weather")
    expect(page.locator("section h2")).to_have_text(["w", "weather"])


def test_a_view_that_was_sent_opens_as_it_was(hub: ScriptedHub) -> None:
    page = hub.open("#span=15m&table=w+hum:last+10s&chart=weather")
    requests = [hub.request(), hub.request()]
    assert [request["history"] for request in requests] == ["15m", "15m"]
    assert requests[0]["query"]["select"] == {"hum": ["last"]}
    assert requests[1]["stream"] == "weather"
    expect(page.get_by_role("button", name="Show as chart")).to_have_count(1)
    expect(page.get_by_role("radio", name="15 min")).to_be_checked()


def test_a_longer_span_gets_windows_that_can_be_drawn(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    page.keyboard.press("6")
    request = hub.grant(every_ms=120_000)
    assert (request["history"], request["query"]["every"], request["query"]["window"]) == ("1d", "2m", "2m")
    expect(page.locator(".note")).to_contain_text("Windows of 2 min, so that this span can be drawn")


def test_panels_are_removed_and_all_streams_shown_again(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    page.get_by_role("button", name="Remove this panel").click()
    hub.request("unsubscribe")
    expect(page.get_by_role("heading", name="No panels")).to_be_visible()
    page.get_by_role("button", name="Show all streams").click()
    hub.grant()
    expect(page.locator("section h2")).to_have_text("weather")


def test_a_table_has_the_rows_and_a_click_explains_one(hub: ScriptedHub) -> None:
    page = hub.open()
    subscription = hub.grant()["id"]
    stop = hub.window(0, 21.5)
    page.get_by_role("button", name="Show as table").click()
    expect(page.locator("tbody tr td")).to_have_text([re.compile(r"\d\d:\d\d:\d\d"), "s1", "21.5", "provisional"])
    page.locator("tbody button").click()
    asked = hub.request("explain")
    assert (asked["id"], asked["stop"]) == (subscription, stop)
    answer = {
        "way": "duckdb",
        "query": "SELECT 1",
        "query_ms": 3.2,
        "points": 120,
        "first": stop - 900,
        "last": stop - 1,
    }
    revisions = [{"revision": 0, "sent": stop + 80, "points": 118}]
    window = {"start": stop - 1_000, "stop": stop, "rows": [["s1", 21.5]], "late": 2, "revisions": revisions}
    hub.say(type="explained", id=subscription, plan="P", **answer, **window)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("120, 2 of them late")
    expect(dialog).to_contain_text("revision 0: 118 points, sent 80 ms after the window stopped")
    expect(dialog.locator("pre")).to_have_text("SELECT 1")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_click_on_a_point_asks_for_its_explanation_and_an_error_is_shown(hub: ScriptedHub) -> None:
    page = hub.open()
    subscription = hub.grant()["id"]
    for ago in range(30, -1, -1):
        hub.window(ago, 10.0)
    hub.shows("10.0")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + 50)
    assert hub.second - 30_000 <= hub.request("explain")["stop"] <= hub.second
    hub.say(type="error", id=subscription, code="store_unavailable", message="the database is away", retry_after_ms=10)
    expect(page.get_by_role("dialog")).to_contain_text("the database is away")


def test_dragging_zooms_all_charts_and_a_double_click_goes_back(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    for ago in range(30, -1, -1):
        hub.window(ago, 10.0)
    hub.shows("10.0")
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 50, steps=4)
    page.mouse.up()
    hub.until(lambda: "from=" in page.url)
    given = re.fullmatch(r"from=(\d+)&to=(\d+)", fragment(page))
    assert given is not None
    assert 10_000 < int(given[2]) - int(given[1]) < 20_000
    page.locator(".u-over").dblclick()
    has_address(hub, "")


def test_a_pause_holds_the_picture_while_windows_come(hub: ScriptedHub) -> None:
    page = hub.open("#table=weather")
    hub.grant()
    hub.window(1, 1.0)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    hub.window(-30, 2.0)
    page.wait_for_timeout(600)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("banner").get_by_role("button", name="Go on").first.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_chart_is_read_with_the_keyboard_and_heard(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    for ago in range(9, -1, -1):
        hub.window(ago, float(ago))
    hub.shows("0.00")
    plot = page.get_by_role("group", name="weather")
    plot.focus()
    plot.press("ArrowLeft")
    plot.press("ArrowLeft")
    expect(page.locator("#announcer")).to_contain_text("1.00")
    plot.press("Enter")
    assert hub.request("explain")["stop"] == hub.second - 1_000


def test_a_line_is_hidden_by_its_legend(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    hub.window(0, None, rows=[["a", 1.0], ["b", 2.0]])
    line = page.locator(".legend button").first
    line.click()
    expect(page.locator(".legend button").first).to_have_attribute("aria-pressed", "false")
    page.locator(".legend button").first.click()
    expect(page.locator(".legend button").first).to_have_attribute("aria-pressed", "true")


def test_the_theme_is_chosen_and_kept(hub: ScriptedHub) -> None:
    page = hub.open()
    hub.grant()
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(background) != light
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
