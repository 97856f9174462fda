// A panel: what it asks, how it is changed in place, and the request that it makes for a time span. Pure.

import type { Request, Stream } from "../client/messages.ts";
import { roundUp, spellDuration } from "./durations.ts";
import { type Asked, type Filter, parseQuery, type Plan } from "./query_text.ts";
import { spellQuery } from "./spell_query.ts";

/** A chart has at most so many windows; a longer span gets longer windows. */
export const MOST_WINDOWS = 3_600;
const WANTED_WINDOWS = 720;

export interface Panel {
  text: string;
  view: "chart" | "table";
}

/** What a named stream computes. */
export function planOf(stream: Stream): Plan {
  const select: Record<string, string[]> = {};
  for (const { name, kind } of stream.columns) {
    const dot = name.lastIndexOf(".");
    if (kind !== "tag") (select[name.slice(0, dot)] ??= []).push(name.slice(dot + 1));
  }
  const groupBy = stream.columns.filter(({ kind }) => kind === "tag").map(({ name }) => name);
  return { measurement: stream.measurement, select, groupBy, everyMs: stream.every_ms, windowMs: stream.window_ms };
}

/** What a text asks as a plan and a filter, whether it names a stream or not; null for a stream nobody knows. */
export function resolve(asked: Asked, streams: readonly Stream[]): { plan: Plan; where: Filter } | null {
  if (asked.plan) return { plan: asked.plan, where: asked.where };
  const stream = streams.find(({ name }) => name === asked.stream);
  if (!stream) return null;
  const own = Object.fromEntries(Object.entries(stream.where).map(([tag, values]) => [tag, [...values]]));
  return { plan: planOf(stream), where: { ...own, ...asked.where } };
}

/** The text with a plan changed in place; a stream whose plan stays the same stays that stream. */
export function changePlan(text: string, streams: readonly Stream[], change: (plan: Plan) => Plan): string {
  const asked = parseQuery(text);
  const resolved = resolve(asked, streams);
  if (!resolved) return text;
  const plan = change(resolved.plan);
  if (asked.stream !== null && JSON.stringify(plan) === JSON.stringify(resolved.plan)) return text;
  return spellQuery({ stream: null, plan, where: resolved.where, lastMs: asked.lastMs });
}

/** The text with one tag's values changed; none lets all of them through. */
export function changeFilter(text: string, tag: string, values: (string | null)[]): string {
  const asked = parseQuery(text);
  const { [tag]: _, ...where } = asked.where;
  return spellQuery({ ...asked, where: values.length > 0 ? { ...where, [tag]: values } : where });
}

/** How long the windows of a plan are where `span` is shown: as asked for, or longer, so that they can be drawn. */
export function fitted(plan: Plan, span: number): Plan {
  if (span / plan.everyMs <= MOST_WINDOWS) return plan;
  const everyMs = roundUp(span / WANTED_WINDOWS);
  return { ...plan, everyMs, windowMs: Math.max(everyMs, Math.ceil(plan.windowMs / everyMs) * everyMs) };
}

/** What to subscribe to for a text, so that `span` milliseconds of the past come first. TextWrong. */
export function requestOf(text: string, streams: readonly Stream[], span: number): Request {
  const asked = parseQuery(text);
  const resolved = resolve(asked, streams);
  const history = spellDuration(Math.ceil(span / 1_000) * 1_000);
  const where = Object.keys(asked.where).length > 0 ? { where: asked.where } : {};
  if (!resolved) return { stream: asked.stream ?? "", ...where, history };
  const plan = fitted(resolved.plan, span);
  if (asked.stream !== null && plan === resolved.plan) return { stream: asked.stream, ...where, history };
  const { measurement, select, groupBy, everyMs, windowMs } = plan;
  const durations = { every: spellDuration(everyMs), window: spellDuration(windowMs) };
  return { query: { measurement, select, group_by: groupBy, where: resolved.where, ...durations }, history };
}
