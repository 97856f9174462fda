// What the page shows, as the part of its address after `#`, so that a view can be sent to somebody else. Pure.

import { parseDuration, spellDuration } from "./durations.ts";
import type { Panel } from "./panels.ts";

export const SPANS: readonly number[] = [60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];
export const DEFAULT_SPAN = 300_000;

export interface View {
  /** Null shows every stream that may be read. */
  panels: readonly Panel[] | null;
  /** How much of the past the time axis has, milliseconds. */
  span: number;
  /** A part of the past that is looked at, instead of what comes. */
  zoom: { from: number; to: number } | null;
}

/** The address's part; empty for the view that the page opens with. */
export function spellView({ panels, span, zoom }: View): string {
  const parts: string[] = [];
  if (span !== DEFAULT_SPAN) parts.push(`span=${spellDuration(span)}`);
  if (zoom) parts.push(`from=${Math.round(zoom.from)}`, `to=${Math.round(zoom.to)}`);
  for (const { view, text } of panels ?? []) parts.push(`${view}=${readable(text)}`);
  if (panels?.length === 0) parts.push("chart=");
  return parts.join("&");
}

/** What such a part asks for; what it says wrongly is passed over. */
export function parseView(hash: string): View {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const panels: Panel[] = [];
  for (const [key, text] of given) if ((key === "chart" || key === "table") && text) panels.push({ view: key, text });
  const span = parseDuration(given.get("span") ?? "") || DEFAULT_SPAN;
  const [from, to] = [Number(given.get("from")), Number(given.get("to"))];
  const isNone = panels.length === 0 && !given.has("chart");
  return { panels: isNone ? null : panels, span, zoom: from > 0 && to > from ? { from, to } : null };
}

/** Encoded as little as an address allows: a person can read it. */
function readable(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+").replaceAll(/%3A|%2C|%3D/g, decodeURIComponent);
}
