import assert from "node:assert/strict";
import { test } from "node:test";
import { describeColumn, formatDuration, formatTick, formatValue, ticks, valueAxis } from "../../../hub/dashboard/model/units.ts";

test("numbers are short and have their unit", () => {
  assert.equal(formatValue(0, "%"), "0.00 %");
  assert.equal(formatValue(37.25, "%"), "37.3 %");
  assert.equal(formatValue(1023, "B"), "1023 B");
  assert.equal(formatValue(1536, "B/s"), "1.50 KiB/s");
  assert.equal(formatValue(12_345, ""), "12.3 k");
  assert.equal(formatValue(-0.001, "°C"), "-0.0010 °C");
  assert.equal(formatValue(null, ""), "–");
  assert.equal(formatValue("on", ""), "on");
  assert.equal(formatTick(2_000, ""), "2 k");
});

test("an axis has round marks", () => {
  assert.deepEqual(ticks(0, 87, "%", 2), [0, 50, 100]);
  assert.deepEqual(ticks(0, 10, "", 2), [0, 5, 10]);
  assert.deepEqual(ticks(0, 3 * 2 ** 30, "B", 2), [0, 2 * 2 ** 30, 4 * 2 ** 30]);
  assert.deepEqual(ticks(-3, 4, "", 2), [-5, 0, 5]);
  assert.deepEqual(ticks(0, 0.004, "", 2), [0, 0.002, 0.004]);
});

test("an axis begins at zero, unless its values are far from it", () => {
  assert.deepEqual(valueAxis(20, 87, "%", 2), [0, 50, 100]);
  assert.deepEqual(valueAxis(1_000, 1_010, "hPa", 2), [1_000, 1_005, 1_010]);
  assert.deepEqual(valueAxis(-4, -3, "", 2), [-4, -2, 0]);
  assert.deepEqual(valueAxis(Infinity, -Infinity, "", 2), [0, 0.5, 1]);
});

test("a column says its field, aggregate and unit", () => {
  const column = { name: "received_bytes_per_second.mean", kind: "float" };
  const field = "received_bytes_per_second";
  assert.deepEqual(describeColumn(column), { field, aggregate: "mean", label: "received", unit: "B/s" });
  assert.equal(describeColumn({ name: "temp.max", kind: "float", unit: "°C" }).unit, "°C");
  assert.equal(describeColumn({ name: "used_bytes.count", kind: "integer" }).unit, "");
  assert.equal(describeColumn({ name: "used_bytes.rate", kind: "float" }).unit, "B/s");
});

test("durations are in their largest whole unit", () => {
  assert.deepEqual([250, 1_000, 90_000, 3_600_000, 172_800_000].map(formatDuration), ["250 ms", "1 s", "90 s", "1 h", "2 d"]);
});
