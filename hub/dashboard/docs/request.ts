// From what a reader has filled in to the request that is made, and to the same for a shell. Pure.

import type { Operation, Parameter } from "./contract.ts";

export interface Filled {
  /** By the parameter's name; of `where`, lines of `where.TAG=value`. */
  parameters: Record<string, string>;
  body: string | null;
  contentType: string | null;
  accept: string | null;
  token: string;
}

export interface Prepared {
  method: string;
  /** Relative to the hub's own address. */
  path: string;
  headers: Record<string, string>;
  body: string | null;
}

export function prepare(method: string, path: string, operation: Operation, filled: Filled): Prepared {
  const query = new URLSearchParams();
  const headers: Record<string, string> = {};
  let address = path;
  for (const parameter of operation.parameters ?? []) {
    const value = filled.parameters[parameter.name] ?? "";
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value === "") continue;
    else if (parameter.in === "header") headers[parameter.name] = value;
    else for (const [name, one] of pairs(parameter, value)) query.append(name, one);
  }
  if (filled.accept !== null) headers["Accept"] = filled.accept;
  if (filled.contentType !== null) headers["Content-Type"] = filled.contentType;
  if (filled.token !== "") headers["Authorization"] = `Bearer ${filled.token}`;
  const suffix = query.size > 0 ? `?${query}` : "";
  return { method: method.toUpperCase(), path: address + suffix, headers, body: filled.body };
}

function pairs(parameter: Parameter, value: string): [string, string][] {
  if (!parameter.explode) return [[parameter.name, value]];
  return value
    .split("\n")
    .filter((line) => line.includes("="))
    .map((line) => [line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1)]);
}

/** The same for a shell; the token is named by a variable, so that it gets into no history. */
export function curl(base: string, prepared: Prepared, endless: boolean): string {
  const parts = ["curl", ...(endless ? ["-N"] : []), quoted(base + prepared.path)];
  if (prepared.method !== (prepared.body === null ? "GET" : "POST")) parts.push("-X", prepared.method);
  for (const [name, value] of Object.entries(prepared.headers)) {
    parts.push("-H", name === "Authorization" ? '"Authorization: Bearer $HUB_TOKEN"' : quoted(`${name}: ${value}`));
  }
  if (prepared.body !== null) parts.push("--data-binary", quoted(prepared.body));
  return parts.join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
