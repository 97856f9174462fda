// Numbers, times and durations as people read them. Pure.

import type { Column } from "../client/messages.ts";

/** What a column's name, `field.aggregate`, says. */
export interface Described {
  field: string;
  aggregate: string;
  /** The field in words, without its unit. */
  label: string;
  unit: string;
}

const SUFFIXES: readonly (readonly [RegExp, string])[] = [
  [/_?bytes_per_second$/, "B/s"],
  [/_?per_second$/, "/s"],
  [/_?bytes$/, "B"],
  [/_?percent$/, "%"],
  [/_?seconds$/, "s"],
  [/_?ms$/, "ms"],
  [/_?celsius$/, "°C"],
];
const DECIMAL = ["", "k", "M", "G", "T", "P", "E"];
const BINARY = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DURATIONS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** A column's name taken apart; its unit is the hub's, or what the field's name ends in. */
export function describeColumn(column: Column): Described {
  const dot = column.name.lastIndexOf(".");
  const field = column.name.slice(0, dot);
  const aggregate = column.name.slice(dot + 1);
  const [pattern, suffix] = SUFFIXES.find(([ending]) => ending.test(field)) ?? [null, ""];
  const label = ((pattern && field.replace(pattern, "")) || field).replaceAll("_", " ");
  return { field, aggregate, label, unit: unitOf(aggregate, column.unit ?? suffix) };
}

function unitOf(aggregate: string, unit: string): string {
  if (aggregate === "count" || aggregate === "distinct") return "";
  if (aggregate === "rate") return `${unit}/s`;
  if (aggregate === "integral") return unit ? `${unit}·s` : "";
  return unit;
}

const isBinary = (unit: string): boolean => unit.startsWith("B");

/** A value with its unit, in three or four digits; text and booleans as they are. */
export function formatValue(value: unknown, unit: string): string {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  const { number, prefix } = scale(value, unit);
  return join(number, prefix + unit);
}

/** A tick's label, no longer than it has to be. */
export function formatTick(value: number, unit: string): string {
  const { number, prefix } = scale(value, unit);
  return join(String(Number(number)), value === 0 && unit === "" ? "" : prefix + unit);
}

const join = (number: string, unit: string): string => (unit ? `${number} ${unit}` : number);

/** A number of at most four digits, and the prefix that makes up for it. */
function scale(value: number, unit: string): { number: string; prefix: string } {
  const binary = isBinary(unit);
  const base = binary ? 1024 : 1000;
  const prefixes = binary ? BINARY : DECIMAL;
  let power = 0;
  let scaled = Math.abs(value);
  while (scaled >= base && power < prefixes.length - 1 && unit !== "%") {
    scaled /= base;
    power += 1;
  }
  const digits = binary && power === 0 ? 0 : decimals(scaled);
  return { number: (Math.sign(value) * scaled).toFixed(digits), prefix: prefixes[power] ?? "" };
}

function decimals(size: number): number {
  if (size !== 0 && size < 0.01) return 4;
  return size < 10 ? 2 : size < 100 ? 1 : 0;
}

/** Round values from at most `low` to at least `high`, about `count` steps apart: the ticks of an axis. */
export function ticks(low: number, high: number, unit: string, count: number): number[] {
  const least = (high - low) / count || 1;
  const binary = isBinary(unit);
  const base = binary ? 1024 ** Math.floor(Math.log(least) / Math.log(1024)) : 10 ** Math.floor(Math.log10(least));
  const steps = binary ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 5, 10];
  const step = base * (steps.find((factor) => factor * base >= least * 0.999) ?? 10);
  const result: number[] = [];
  for (let index = Math.floor(low / step); index <= Math.ceil(high / step - 1e-9); index += 1) result.push(index * step);
  return result;
}

/** The ticks of values from `low` to `high`: from zero, unless all of them are far from it or below it. */
export function valueAxis(low: number, high: number, unit: string, count: number): number[] {
  if (!(low <= high)) [low, high] = [0, isBinary(unit) ? 1024 : 1];
  const isFarFromZero = low > 0 && high - low < high / 5 && unit !== "%";
  if (low > 0 && !isFarFromZero) low = 0;
  if (high < 0) high = 0;
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)];
  if (unit === "%" && low >= 0 && high <= 100 && high > 80) high = 100;
  return ticks(low, high, unit, count);
}

/** A duration in milliseconds, as people write it. */
export function formatDuration(milliseconds: number): string {
  for (const [unit, size] of DURATIONS) {
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size} ${unit}`;
  }
  return `${milliseconds} ms`;
}
