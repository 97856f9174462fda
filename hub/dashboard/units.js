// Numbers with their units, for people.

const SUFFIXES = [
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

/** A column's name, `field.aggregate`, taken apart; its unit is the hub's, or what the field's name ends in. */
export function describeColumn(column) {
  const dot = column.name.lastIndexOf(".");
  const field = column.name.slice(0, dot);
  const aggregate = column.name.slice(dot + 1);
  const [pattern, suffix] = SUFFIXES.find(([ending]) => ending.test(field)) ?? [null, ""];
  const label = ((pattern && field.replace(pattern, "")) || field).replaceAll("_", " ");
  return { field, aggregate, label, unit: unitOf(aggregate, column.unit ?? suffix) };
}

function unitOf(aggregate, unit) {
  if (aggregate === "count" || aggregate === "distinct") return "";
  if (aggregate === "rate") return `${unit}/s`;
  if (aggregate === "integral") return unit ? `${unit}·s` : "";
  return unit;
}

const isBinary = (unit) => unit.startsWith("B");

/** A value with its unit, in three or four digits. */
export function formatValue(value, unit) {
  if (value === null || value === undefined) return "–";
  const { number, prefix } = scale(value, unit);
  return join(number, prefix + unit);
}

/** A tick's label, no longer than it has to be. */
export function formatTick(value, unit) {
  const { number, prefix } = scale(value, unit);
  return join(String(Number(number)), value === 0 && unit === "" ? "" : prefix + unit);
}

const join = (number, unit) => (unit ? `${number} ${unit}` : number);

/** A number of at most four digits, and the prefix that makes up for it. */
function scale(value, unit) {
  const base = isBinary(unit) ? 1024 : 1000;
  const prefixes = isBinary(unit) ? BINARY : DECIMAL;
  let power = 0;
  let scaled = Math.abs(value);
  while (scaled >= base && power < prefixes.length - 1 && unit !== "%") {
    scaled /= base;
    power += 1;
  }
  const digits = isBinary(unit) && power === 0 ? 0 : decimals(scaled);
  return { number: (Math.sign(value) * scaled).toFixed(digits), prefix: prefixes[power] };
}

function decimals(size) {
  if (size !== 0 && size < 0.01) return 4;
  return size < 10 ? 2 : size < 100 ? 1 : 0;
}

/** Round values from at most `low` to at least `high`, about `count` steps apart: the ticks of an axis. */
export function ticks(low, high, unit, count) {
  const least = (high - low) / count || 1;
  const base = isBinary(unit) ? 1024 ** Math.floor(Math.log(least) / Math.log(1024)) : 10 ** Math.floor(Math.log10(least));
  const steps = isBinary(unit) ? [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] : [1, 2, 5, 10];
  const step = base * steps.find((factor) => factor * base >= least * 0.999);
  const result = [];
  for (let index = Math.floor(low / step); index <= Math.ceil(high / step - 1e-9); index += 1) result.push(index * step);
  return result;
}

/** A duration in milliseconds, as people write it. */
export function formatDuration(milliseconds) {
  for (const [unit, size] of [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]]) {
    if (milliseconds >= size && milliseconds % size === 0) return `${milliseconds / size} ${unit}`;
  }
  return `${milliseconds} ms`;
}
