import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../hub/dashboard/client/ledger.ts";
import type { Window } from "../../../hub/dashboard/client/messages.ts";

const window = (stop: number, changes: Partial<Window> = {}): Window => ({
  start: stop - 1_000, stop, revision: 0, final: false, rows: [], sent: stop, ...changes,
});
const past = (stop: number): Window => ({ start: stop - 1_000, stop, revision: 0, final: true, rows: [] });

test("the first request asks for the history, a later one for what is not known to be final", () => {
  const ledger = new Ledger({ history: "5m" });
  assert.deepEqual(ledger.asks("s1", 500), { history: "5m" });
  ledger.history([past(2_000), past(3_000), window(4_000)]);
  ledger.live(4_000);
  assert.equal(ledger.window(window(5_000)), true);
  assert.deepEqual(ledger.asks("s1", 9_000), { after: 3_000, seen: 5_000 });
});

test("within a session the highest revision holds; a new session has the first word", () => {
  const ledger = new Ledger({});
  ledger.asks("s1", 0);
  ledger.live(1_000);
  assert.equal(ledger.window(window(2_000, { revision: 2 })), true);
  assert.equal(ledger.window(window(2_000, { revision: 1 })), false);
  ledger.asks("s2", 0);
  assert.equal(ledger.window(window(2_000, { revision: 0 })), true);
  assert.equal(ledger.window(window(2_000, { revision: 0 })), false);
});

test("until it is live, another's progress and windows of the same plan prove nothing about the history", () => {
  const ledger = new Ledger({ history: "1h" });
  ledger.asks("s1", 100);
  ledger.history([past(2_000)]);
  assert.equal(ledger.progress(60_000), false);
  ledger.window(window(61_000));
  assert.deepEqual(ledger.asks("s2", 70_000), { after: 2_000, seen: 100 });
});

test("what was skipped is asked for", () => {
  const ledger = new Ledger({});
  ledger.asks("s1", 0);
  ledger.live(5_000);
  ledger.progress(9_000);
  ledger.skipped(8_000);
  assert.equal(ledger.asks("s1", 0).after, 7_999);
});
