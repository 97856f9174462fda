import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "../../../hub/dashboard/model/completion.ts";
import { parseQuery } from "../../../hub/dashboard/model/query_text.ts";
import { spellQuery } from "../../../hub/dashboard/model/spell_query.ts";
import { TextWrong } from "../../../hub/dashboard/model/tokens.ts";

const SCHEMA = [
  {
    name: "weather",
    tags: [{ name: "site", values: ["s1", "New York"], more: false }],
    fields: [{ name: "temp", kinds: ["float"] }, { name: "hum", kinds: ["integer"] }],
  },
];

test("a query's text says what it asks", () => {
  const asked = parseQuery('weather temp:mean,p95 hum:last where site=s1,"New York" by site,dev 10s window 1m last 1h');
  assert.deepEqual(asked, {
    stream: null,
    plan: {
      measurement: "weather",
      select: { temp: ["mean", "p95"], hum: ["last"] },
      groupBy: ["site", "dev"],
      everyMs: 10_000,
      windowMs: 60_000,
    },
    where: { site: ["s1", "New York"] },
    lastMs: 3_600_000,
  });
  assert.deepEqual(parseQuery("cpu where host= and core=1"), {
    stream: "cpu", plan: null, where: { host: [null], core: ["1"] }, lastMs: null,
  });
});

test("what was spelled is read as the same", () => {
  const texts = [
    "weather", "weather where site=s1", 'weather temp:mean where site=,"a b" by dev 10s', "m f:p99.9 10s window 1m",
    '"by" "10s":mean by "a,b" 250ms last 1d', '"a\\"b\\\\" f:sum 1s',
  ];
  for (const text of texts) assert.equal(spellQuery(parseQuery(text)), text);
});

test("a mistake says where it is and what was expected", () => {
  const wrong: [string, number, RegExp][] = [
    ["", 0, /name of a measurement/],
    ["weather temp:avg 10s", 13, /avg is no aggregate; there are mean/],
    ["weather temp:mean", 17, /how long is a window/],
    ["weather temp:mean 10x", 18, /10x is not a duration/],
    ["weather temp:mean 10s window 15s", 32, /whole multiple/],
    ["weather by site 10s", 0, /name fields of weather/],
    ["weather where site", 18, /which value of site/],
    ["weather temp:mean foo 10s", 18, /foo is not understood here/],
    ['weather "temp', 8, /quote/],
  ];
  for (const [text, start, message] of wrong) {
    assert.throws(() => parseQuery(text), (error) => {
      assert.ok(error instanceof TextWrong, text);
      assert.match(error.message, message);
      assert.equal(error.start, start, text);
      return true;
    });
  }
});

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
