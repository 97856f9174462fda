import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Query } from "../../../hub/dashboard/client/messages.ts";
import { complete } from "../../../hub/dashboard/model/completion.ts";
import { parseDuration } from "../../../hub/dashboard/model/durations.ts";
import { type Filter, parseQuery } from "../../../hub/dashboard/model/query_text.ts";
import { spellQuery } from "../../../hub/dashboard/model/spell_query.ts";
import { TextWrong } from "../../../hub/dashboard/model/tokens.ts";

const SCHEMA = [
  {
    name: "weather",
    tags: [{ name: "site", values: ["s1", "New York"], more: false }],
    fields: [{ name: "temp", kinds: ["float"] }, { name: "hum", kinds: ["integer"] }],
  },
];

/** What the command line's reader of this language is held to as well: see test_query_text.py. */
const SHARED = JSON.parse(readFileSync(new URL("../query_texts.json", import.meta.url), "utf8")) as {
  asked: { text: string; query: Query | null; stream: string | null; where: Filter; history: string | null; spelled: string }[];
  wrong: { text: string; marks: string; says: string }[];
};

for (const { text, query, stream, where, history, spelled } of SHARED.asked) {
  test(`what a text asks: ${text}`, () => {
    const everyMs = parseDuration(query?.every ?? "");
    const plan = query && {
      measurement: query.measurement,
      select: query.select,
      groupBy: query.group_by,
      everyMs,
      windowMs: parseDuration(query.window ?? query.every ?? ""),
    };
    assert.deepEqual(parseQuery(text), { stream, plan, where, lastMs: parseDuration(history ?? "") });
    assert.equal(spellQuery(parseQuery(text)), spelled);
  });
}

for (const { text, marks, says } of SHARED.wrong) {
  test(`a mistake is pointed at: ${text}`, () => {
    assert.throws(() => parseQuery(text), (error) => {
      assert.ok(error instanceof TextWrong);
      assert.ok(error.message.includes(says), error.message);
      assert.deepEqual([error.start, error.end], [marks.indexOf("^"), marks.length]);
      return true;
    });
  });
}

const offered = (text: string): string[] => complete(text, text.length, SCHEMA, []).options.map((option) => option.text);

test("completion offers what may stand at the cursor", () => {
  assert.deepEqual(offered(""), ["weather "]);
  assert.deepEqual(offered("weather te"), ["temp:"]);
  assert.deepEqual(offered("weather temp:me"), ["mean", "median"]);
  assert.deepEqual(offered("weather temp:mean,ma"), ["max"]);
  assert.deepEqual(offered("weather temp:mean by "), ["site"]);
  assert.deepEqual(offered("weather temp:mean where "), ["site="]);
  assert.deepEqual(offered("weather temp:mean where site="), ["s1", '"New York"']);
  assert.deepEqual(offered("weather temp:mean where site=s1,new"), ['"New York"']);
  assert.ok(offered("weather temp:mean ").includes("10s"));
  assert.ok(!offered("weather temp:mean 10s ").includes("10s"));
  assert.deepEqual(offered("weather temp:mean 10s window "), ["1s", "10s", "1m", "5m", "1h"]);
});

test("what is completed takes the place of the word at the cursor", () => {
  const { from, to } = complete("weather tem:mean 1s", 10, SCHEMA, []);
  assert.deepEqual([from, to], [8, 11]);
});
