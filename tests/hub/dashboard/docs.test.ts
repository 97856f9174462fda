// The page of the contract: its little Markdown, and the requests that its forms make.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operation, Parameter } from "../../../hub/dashboard/docs/contract.ts";
import { blocks, spans } from "../../../hub/dashboard/docs/prose.ts";
import { curl, prepare } from "../../../hub/dashboard/docs/request.ts";

test("code stands between backticks", () => {
  assert.deepEqual(spans("send `ack` back"), [
    { code: false, text: "send " },
    { code: true, text: "ack" },
    { code: false, text: " back" },
  ]);
});

test("paragraphs, lists and tables", () => {
  const [paragraph, list, table] = blocks("One\nline.\n- a\n- `b`\n\n| x | y |\n|---|---|\n| 1 | `2` |\n");
  assert.deepEqual(paragraph, { kind: "paragraph", spans: [{ code: false, text: "One line." }] });
  assert.deepEqual(list, { kind: "list", items: [[{ code: false, text: "a" }], [{ code: true, text: "b" }]] });
  assert.deepEqual(table, {
    kind: "table",
    head: ["x", "y"],
    rows: [[[{ code: false, text: "1" }], [{ code: true, text: "2" }]]],
  });
});

const parameter = (name: string, place: "path" | "query" | "header", explode = false): Parameter => ({
  name,
  in: place,
  description: "",
  required: place === "path",
  schema: {},
  explode,
});
const operation: Operation = {
  operationId: "windows",
  tags: [],
  summary: "",
  security: [],
  parameters: [parameter("name", "path"), parameter("start", "query"), parameter("where", "query", true)],
  responses: {},
};
const filled = { parameters: {}, body: null, contentType: null, accept: null, token: "" };

test("parameters go where they belong, and what is empty is left out", () => {
  const parameters = { name: "my stream/1", start: "", where: "where.site=a b\nwhere.site=c=d\n" };
  const { path, headers } = prepare("get", "/v1/streams/{name}/windows", operation, { ...filled, parameters });
  assert.equal(path, "/v1/streams/my%20stream%2F1/windows?where.site=a+b&where.site=c%3Dd");
  assert.deepEqual(headers, {});
});

test("the same for a shell, without the token itself", () => {
  const asked = { ...filled, parameters: { name: "w" }, accept: "text/csv", token: "secret" };
  const command = curl("http://h", prepare("get", "/v1/streams/{name}", operation, asked), false);
  assert.equal(command, `curl 'http://h/v1/streams/w' -H 'Accept: text/csv' -H "Authorization: Bearer $HUB_TOKEN"`);
});

test("a body with quotes survives the shell", () => {
  const post = prepare("post", "/write", { ...operation, parameters: [] }, { ...filled, body: "m s=\"it's\"" });
  assert.equal(curl("http://h", post, true), `curl -N 'http://h/write' --data-binary 'm s="it'\\''s"'`);
});
