// From windows, which are rows, to charts, which are lines. Pure.

import { describeColumn } from "./model/units.ts";

/** A chart draws at most this many lines; what is left out is said. */
export const MOST_LINES = 24;

const naturally = new Intl.Collator(undefined, { numeric: true });

/**
 * Columns that can share an axis: those of one unit, or of one family of fields, such as load1 and load5.
 * Each chart is `{unit, title, columns: [{index, label}]}`; tags and texts are in none.
 */
export function chartsOf(columns) {
  const charts = new Map();
  columns.forEach((column, index) => {
    if (!["float", "integer", "unsigned", null].includes(column.kind)) return;
    const described = { index, ...describeColumn(column) };
    const counts = described.aggregate === "count" || described.aggregate === "distinct";
    const key = counts ? "count" : described.unit || described.field.replaceAll(/\d+/g, "");
    charts.set(key, [...(charts.get(key) ?? []), described]);
  });
  return [...charts.values()].map((members) => {
    const shares = (property) => members.every((member) => member[property] === members[0][property]);
    const [sameField, sameAggregate] = [shares("label"), shares("aggregate")];
    return {
      unit: members[0].unit,
      title: [sameField && members[0].label, sameAggregate && members[0].aggregate].filter(Boolean).join(" · "),
      columns: members.map(({ index, label, aggregate }) => ({
        index,
        label: [!sameField && label, !sameAggregate && aggregate].filter(Boolean).join(" "),
      })),
    };
  });
}

/** The tags that have the same value in every row, as `{index, name, value}`: they need no place in a legend. */
export function constantTags(columns, windows) {
  const constant = [];
  columns.forEach(({ name, kind }, index) => {
    if (kind !== "tag") return;
    const values = new Set(windows.flatMap((window) => window.rows.map((row) => row[index])));
    if (values.size === 1) constant.push({ index, name, value: [...values][0] });
  });
  return constant;
}

/**
 * A chart's lines, `{label, points: [{time, value, provisional}]}`, one for each group and column, and how many were
 * left out. `hidden` are indexes of tags that do not name a group.
 */
export function linesOf(chart, columns, windows, isProvisional, hidden) {
  const tags = columns.flatMap(({ kind }, index) => (kind === "tag" ? [index] : []));
  const shown = tags.filter((index) => !hidden.has(index)).map((index) => ({ index, name: columns[index].name }));
  const groups = new Map();
  for (const window of windows) {
    const provisional = isProvisional(window);
    for (const row of window.rows) {
      const key = JSON.stringify(tags.map((index) => row[index]));
      if (!groups.has(key)) groups.set(key, newGroup(chart, shown, row));
      for (const line of groups.get(key)) {
        line.points.push({ time: window.stop, value: row[line.index] ?? null, provisional });
      }
    }
  }
  const lines = [...groups.values()].flat();
  lines.sort((a, b) => naturally.compare(a.group, b.group) || a.index - b.index);
  return { lines: lines.slice(0, MOST_LINES), left: Math.max(0, lines.length - MOST_LINES) };
}

function newGroup(chart, tags, row) {
  const group = tags.map(({ index, name }) => describeTag(name, row[index])).join(" · ");
  return chart.columns.map(({ index, label }) => ({
    index,
    group,
    label: [group, label].filter(Boolean).join(" ") || chart.title,
    points: [],
  }));
}

/** A tag's value; one that says little by itself, such as a number, with the tag's name. */
function describeTag(name, value) {
  if (value === null) return `no ${name}`;
  return /^[\d.,:-]+$/.test(value) ? `${name} ${value}` : value;
}
