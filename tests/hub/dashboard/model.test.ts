import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stream, Window } from "../../../hub/dashboard/client/messages.ts";
import { Backoff } from "../../../hub/dashboard/client/backoff.ts";
import { endingOf } from "../../../hub/dashboard/client/problems.ts";
import { byName, constantTags, groupLabel } from "../../../hub/dashboard/model/charts.ts";
import { Columns } from "../../../hub/dashboard/model/columns.ts";
import { parseDuration, roundUp, spellDuration } from "../../../hub/dashboard/model/durations.ts";
import { changePlan, requestOf } from "../../../hub/dashboard/model/panels.ts";
import { parseView, spellView } from "../../../hub/dashboard/model/view_state.ts";

const COLUMNS = [{ name: "site", kind: "tag" }, { name: "temp.mean", kind: "float" }];
const window = (stop: number, rows: Window["rows"], changes: Partial<Window> = {}): Window => ({
  start: stop - 1_000, stop, revision: 0, final: false, rows, ...changes,
});

test("windows become columns, wherever in time they come", () => {
  const columns = new Columns(COLUMNS);
  columns.take(window(3_000, [["a", 3]]), 0);
  columns.take(window(1_000, [["a", 1], ["b", 10]]), 0);
  columns.take(window(2_000, []), 0);
  columns.take(window(3_000, [["b", 30]], { revision: 1 }), 0);
  assert.deepEqual(columns.stops, [1_000, 2_000, 3_000]);
  assert.deepEqual(columns.groups.get("a")?.values[1], [1, null, null]);
  assert.deepEqual(columns.groups.get("b")?.values[1], [10, null, 30]);
  assert.equal(columns.oldest, 1_000);
});

test("a final window that changes is a correction; a provisional one is not", () => {
  const columns = new Columns(COLUMNS);
  columns.take(window(1_000, [["a", 1]]), 0);
  columns.take(window(1_000, [["a", 2]], { revision: 1, final: true }), 5);
  assert.deepEqual(columns.corrections, []);
  columns.take(window(1_000, [["a", 2]], { revision: 0, final: true }), 6);
  assert.deepEqual(columns.corrections, [], "a new session says the same");
  columns.take(window(1_000, [["a", 3]], { revision: 2, final: true }), 7);
  assert.deepEqual(columns.corrections, [{ stop: 1_000, at: 7 }]);
});

test("windows at the end are provisional until progress says otherwise", () => {
  const columns = new Columns(COLUMNS);
  for (const stop of [1_000, 2_000, 3_000]) columns.take(window(stop, [["a", 1]]), 0);
  assert.equal(columns.provisionalFrom, 0);
  columns.finalUntil = 2_000;
  assert.equal(columns.provisionalFrom, 2);
});

test("the newest window that says something may be one without points, but not one that may still get some", () => {
  const columns = new Columns(COLUMNS);
  assert.equal(columns.latest, -1);
  columns.take(window(1_000, [["a", 1]]), 0);
  columns.take(window(2_000, []), 0);
  columns.take(window(3_000, []), 0);
  assert.equal(columns.latest, 0);
  columns.finalUntil = 2_000;
  assert.equal(columns.latest, 1);
});

test("what is older than the axis is forgotten, and groups with it", () => {
  const columns = new Columns(COLUMNS);
  columns.take(window(1_000, [["gone", 1]]), 0);
  for (let stop = 2_000; stop <= 200_000; stop += 1_000) columns.take(window(stop, [["a", stop]]), 0);
  const { shape } = columns;
  columns.prune(150_000);
  assert.equal(columns.stops[0], 150_000);
  assert.deepEqual([...columns.groups.keys()], ["a"]);
  assert.equal(columns.groups.get("a")?.values[1]?.[0], 150_000);
  assert.ok(columns.shape > shape);
});

test("a legend leaves out what is the same everywhere, and orders as people do", () => {
  const groups = [["h", "10"], ["h", "2"]];
  const constant = constantTags(groups);
  const labels = groups.map((group) => groupLabel(["host", "core"], group, constant));
  assert.deepEqual(labels.sort(byName), ["core 2", "core 10"]);
  assert.equal(groupLabel(["host"], [null], new Set()), "no host");
});

test("durations are read and spelled as the hub does", () => {
  assert.deepEqual(["250ms", "10s", "5m", "1w", "0s", "10", "1.5s"].map(parseDuration), [250, 10_000, 300_000, 604_800_000, 0, null, null]);
  assert.deepEqual([250, 90_000, 3_600_000].map(spellDuration), ["250ms", "90s", "1h"]);
  assert.deepEqual([900, 11_000, 86_400_000, 90_000_000].map(roundUp), [1_000, 15_000, 86_400_000, 172_800_000]);
});

test("a view in an address is read as it was written", () => {
  const views = [
    { panels: null, span: 300_000, zoom: null },
    { panels: [], span: 300_000, zoom: null },
    { panels: [{ view: "table" as const, text: 'm f:mean where a="x & y#1%" by b 1s' }], span: 3_600_000, zoom: { from: 1, to: 2 } },
  ];
  for (const view of views) assert.deepEqual(parseView(`#${spellView(view)}`), view);
  assert.equal(spellView(views[0]!), "");
  assert.deepEqual(parseView("#span=nonsense&from=9&to=3&chart=cpu"), { panels: [{ view: "chart", text: "cpu" }], span: 300_000, zoom: null });
});

const STREAM: Stream = {
  name: "weather", measurement: "w", plan: "P", where: { dev: ["d1"] }, window_ms: 10_000, every_ms: 1_000, grace_ms: 0, columns: COLUMNS,
};

test("a stream is subscribed to by its name as long as nothing but its filter is changed", () => {
  assert.deepEqual(requestOf("weather where site=a", [STREAM], 60_000), { stream: "weather", where: { site: ["a"] }, history: "1m" });
  assert.equal(changePlan("weather", [STREAM], (plan) => plan), "weather");
  const text = changePlan("weather", [STREAM], (plan) => ({ ...plan, groupBy: [] }));
  assert.equal(text, "w temp:mean where dev=d1 1s window 10s");
});

test("a span that has too many windows gets longer ones", () => {
  const { query } = requestOf("weather", [STREAM], 86_400_000);
  assert.deepEqual([query?.every, query?.window, query?.where], ["2m", "2m", { dev: ["d1"] }]);
});

test("waits grow, and hold what the hub asks for", () => {
  const backoff = new Backoff(() => 1);
  assert.deepEqual([0, 0, 0].map((asked) => backoff.delay(asked)), [250, 500, 1_000]);
  for (let index = 0; index < 20; index += 1) backoff.delay(0);
  assert.equal(backoff.delay(3_000), 13_000);
  backoff.succeeded();
  assert.equal(backoff.delay(0), 250);
});

test("a close code says whether to come back", () => {
  assert.deepEqual(endingOf(1012, '{"retry_after_ms":700}').after, 700);
  assert.equal(endingOf(1006, "").remedy, "again");
  assert.equal(endingOf(4401, "expired").remedy, "token");
  assert.match(endingOf(4400, "bad key").message, /could not read a message \(bad key\)/);
  assert.equal(endingOf(4400, "").remedy, "never");
});
