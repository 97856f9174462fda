// The page of the contract: made from /openapi.json and /asyncapi.json of the hub that it comes from.

import { channelSection } from "./channel.ts";
import type { AsyncApi, OpenApi } from "./contract.ts";
import { make, prose, table } from "./dom.ts";
import { endpointSection } from "./endpoint.ts";
import type { Surroundings } from "./form.ts";
import { described, schemaSection } from "./schemas.ts";

interface Part {
  title: string;
  id: string;
  entries: { name: string; id: string }[];
  elements: Node[];
}

async function read<Document>(path: string): Promise<Document> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return (await response.json()) as Document;
}

/** None where the hub wants a token for them. */
async function streamNames(): Promise<string[]> {
  const response = await fetch("v1/streams");
  if (!response.ok) return [];
  return ((await response.json()) as { streams: { name: string }[] }).streams.map(({ name }) => name);
}

function sockets(document: AsyncApi, token: () => string): Part {
  const names = Object.keys(document.channels);
  return {
    title: "WebSocket",
    id: "sockets",
    entries: names.map((name) => ({ name: document.channels[name]!.address, id: `socket-${name}` })),
    elements: [...prose(document.info.description), ...names.map((name) => channelSection(name, document, token))],
  };
}

function http(document: OpenApi, group: string, around: Surroundings): Part {
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(group))
      .map(([method, operation]) => ({ path, method, operation })),
  );
  return {
    title: group,
    id: `group-${group.replaceAll(/\W+/g, "-")}`,
    entries: found.map(({ path, operation }) => ({ name: path, id: `http-${operation.operationId}` })),
    elements: found.map(({ path, method, operation }) => endpointSection(method, path, operation, around)),
  };
}

function codes(document: AsyncApi): Part {
  const rows = document["x-codes"].map(({ name, places, meaning, remedy }) => [
    [make("code", { id: `code-${name}` }, name)],
    [places.join(", ")],
    described(meaning),
    described(remedy),
  ]);
  return {
    title: "Codes",
    id: "codes",
    entries: [],
    elements: [
      ...prose("Everything the hub says no with: the `code` of an error, of a reject or of a problem, or a close code."),
      table(["code", "met in", "meaning", "what to do"], rows),
    ],
  };
}

function settings(document: OpenApi): Part {
  const rows = document["x-settings"].map((setting) => [
    [make("code", {}, setting.name)],
    [make("code", {}, setting.variable)],
    [setting.unit],
    [setting.default === "" ? "–" : setting.default],
    described(setting.help),
  ]);
  return {
    title: "Settings",
    id: "settings",
    entries: [],
    elements: [
      ...prose("Each is an environment variable, or a line under `[hub]` in the configuration file; some are options of `serve`."),
      table(["setting", "variable", "unit", "default", "meaning"], rows),
    ],
  };
}

function types(open: OpenApi, async: AsyncApi): Part {
  const all = Object.entries({ ...open.components.schemas, ...async.components.schemas });
  const sorted = all.toSorted(([one], [other]) => one.localeCompare(other));
  return {
    title: "Types",
    id: "types",
    entries: [],
    elements: sorted.map(([name, schema]) => schemaSection(name, schema)),
  };
}

function entry({ title, id, entries }: Part): HTMLElement {
  const links = entries.map(({ name, id }) => make("li", {}, make("a", { href: `#${id}` }, name)));
  return make("li", {}, make("a", { href: `#${id}` }, title), links.length > 0 ? make("ul", {}, ...links) : null);
}

async function show(): Promise<void> {
  const content = document.querySelector("#content")!;
  const token = (): string => document.querySelector<HTMLInputElement>("#token")!.value.trim();
  try {
    const [open, async] = await Promise.all([read<OpenApi>("openapi.json"), read<AsyncApi>("asyncapi.json")]);
    const around = { token, streams: await streamNames() };
    const groups = open.tags.map(({ name }) => http(open, name, around));
    const parts = [sockets(async, token), ...groups, codes(async), settings(open), types(open, async)];
    document.querySelector("#contents")!.replaceChildren(make("ul", {}, ...parts.map(entry)));
    content.replaceChildren(
      make("p", { class: "quiet" }, `Version ${open.info.version}`),
      ...prose(open.info.description),
      ...parts.map(({ title, id, elements }) => make("section", { id }, make("h2", {}, title), ...elements)),
    );
    if (location.hash !== "") document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    content.replaceChildren(make("p", { class: "trouble", role: "alert" }, `The contract cannot be read: ${String(error)}`));
  }
}

await show();
