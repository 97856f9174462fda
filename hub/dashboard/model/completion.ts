// What may follow at the cursor of a query's text, from what the hub knows. Pure.

import type { Measurement, Stream } from "../client/messages.ts";
import { AGGREGATES } from "./query_text.ts";
import { isDuration, spellName, type Token, TextWrong, tokensOf } from "./tokens.ts";

export interface Option {
  /** What is put in the place of `from` to `to`. */
  text: string;
  /** What it is, in a word or two. */
  hint: string;
}

export interface Completion {
  from: number;
  to: number;
  options: Option[];
}

const MOST = 12;

/** What may stand where the cursor is. */
export function complete(
  text: string, cursor: number, schema: readonly Measurement[], streams: readonly Stream[],
): Completion {
  const before = tokensIn(text.slice(0, cursor));
  const last = before.at(-1);
  const typed = last && last.kind !== "sign" && last.end === cursor ? before.pop() : undefined;
  const from = typed?.start ?? cursor;
  const rest = /^[^\s,:="]*/.exec(text.slice(cursor))?.[0] ?? "";
  const begun = (typed?.value ?? "").toLowerCase();
  const plain = ({ text: option }: Option): string => option.toLowerCase().replace(/^"/, "").trimEnd();
  const fits = (option: Option): boolean => plain(option).includes(begun) && plain(option) !== begun;
  const starts = (option: Option): number => Number(!plain(option).startsWith(begun));
  const options = expected(before, schema, streams).filter(fits).sort((a, b) => starts(a) - starts(b));
  return { from, to: cursor + rest.length, options: options.slice(0, MOST) };
}

function tokensIn(text: string): Token[] {
  try {
    return tokensOf(text);
  } catch (error) {
    if (error instanceof TextWrong) return tokensIn(text.slice(0, error.start));
    throw error;
  }
}

function expected(before: Token[], schema: readonly Measurement[], streams: readonly Stream[]): Option[] {
  const [first] = before;
  if (!first) {
    return [
      ...streams.map(({ name }) => ({ text: spellName(name), hint: "stream" })),
      ...schema.map(({ name }) => ({ text: `${spellName(name)} `, hint: "measurement" })),
    ];
  }
  const stream = streams.find(({ name }) => name === first.value);
  const measurement = schema.find(({ name }) => name === first.value);
  const own = measurement ?? schema.find(({ name }) => name === stream?.measurement);
  const sign = before.at(-1)?.kind === "sign" ? before.at(-1)?.value : undefined;
  const opener = before.findLast(({ value, kind }) => (kind === "sign" && value !== ",") || ["by", "where", "and"].includes(value));
  if (sign === ":" || (sign === "," && opener?.value === ":")) return names(AGGREGATES, "aggregate");
  if (sign === "=" || (sign === "," && opener?.value === "=")) return valuesOf(before, own);
  const word = before.at(-1)?.value ?? "";
  if (["by", "where", "and"].includes(word) || (sign === "," && opener?.value === "by")) {
    const ending = word === "by" || sign === "," ? "" : "=";
    return (own?.tags ?? []).map(({ name }) => ({ text: spellName(name) + ending, hint: "tag" }));
  }
  if (["every", "window", "last"].includes(word)) return durations();
  return following(before, own, measurement !== undefined);
}

/** What may come after a part that is complete. */
function following(before: Token[], own: Measurement | undefined, isMeasurement: boolean): Option[] {
  const words = new Set(before.filter(({ kind }) => kind === "word").map(({ value }) => value));
  const fields = isMeasurement && !words.has("by") && !words.has("where") ? (own?.fields ?? []) : [];
  const hasFields = before.some(({ kind, value }) => kind === "sign" && value === ":");
  const hasEvery = before.some(({ value }) => isDuration(value));
  return [
    ...fields.map(({ name, kinds }) => ({ text: `${spellName(name)}:`, hint: kinds.join(", ") || "field" })),
    ...(hasFields && !hasEvery ? durations() : []),
    ...(hasFields && !words.has("by") ? [{ text: "by ", hint: "a line for each value of a tag" }] : []),
    { text: words.has("where") ? "and " : "where ", hint: "only some values of a tag" },
    ...(hasEvery && !words.has("window") ? [{ text: "window ", hint: "longer than its step" }] : []),
  ];
}

function valuesOf(before: Token[], own: Measurement | undefined): Option[] {
  const equals = before.findLastIndex(({ kind, value }) => kind === "sign" && value === "=");
  const tag = own?.tags.find(({ name }) => name === before[equals - 1]?.value);
  return (tag?.values ?? []).map((value) => ({ text: spellName(value), hint: tag?.name ?? "" }));
}

const names = (list: readonly string[], hint: string): Option[] => list.map((text) => ({ text, hint }));
const durations = (): Option[] => names(["1s", "10s", "1m", "5m", "1h"], "window");
