// Which columns share a chart, and what its lines are called. Pure.

import type { Cell, Column } from "../client/messages.ts";
import { describeColumn } from "./units.ts";

const NUMBERS: readonly (string | null)[] = ["float", "integer", "unsigned", null];
const naturally = new Intl.Collator("en", { numeric: true });

export interface Chart {
  unit: string;
  title: string;
  columns: readonly { index: number; label: string }[];
}

/** Columns that can share an axis: those of one unit, or of one family of fields, such as load1 and load5. */
export function chartsOf(columns: readonly Column[]): Chart[] {
  const charts = new Map<string, (ReturnType<typeof describeColumn> & { index: number })[]>();
  columns.forEach((column, index) => {
    if (!NUMBERS.includes(column.kind)) return;
    const described = { index, ...describeColumn(column) };
    const counts = described.aggregate === "count" || described.aggregate === "distinct";
    const key = counts ? "count" : described.unit || described.field.replaceAll(/\d+/g, "");
    charts.set(key, [...(charts.get(key) ?? []), described]);
  });
  return [...charts.values()].map((members) => {
    const [first] = members;
    const sameField = members.every(({ label }) => label === first?.label);
    const sameAggregate = members.every(({ aggregate }) => aggregate === first?.aggregate);
    return {
      unit: first?.unit ?? "",
      title: [sameField && first?.label, sameAggregate && first?.aggregate].filter(Boolean).join(" · "),
      columns: members.map(({ index, label, aggregate }) => ({
        index,
        label: [!sameField && label, !sameAggregate && aggregate].filter(Boolean).join(" "),
      })),
    };
  });
}

/** A group of rows as a legend has it; tags that are the same in all groups say nothing and are left out. */
export function groupLabel(names: readonly string[], values: readonly Cell[], constant: ReadonlySet<number>): string {
  return names.flatMap((name, index) => (constant.has(index) ? [] : [tagLabel(name, values[index] ?? null)])).join(" · ");
}

/** A tag's value; one that says little by itself, such as a number, with the tag's name. */
function tagLabel(name: string, value: Cell): string {
  if (value === null) return `no ${name}`;
  return /^[\d.,:-]+$/.test(String(value)) ? `${name} ${value}` : String(value);
}

/** Which tags have one value in all groups; none where there is one group alone without a name otherwise. */
export function constantTags(groups: readonly (readonly Cell[])[]): Set<number> {
  const first = groups[0] ?? [];
  return new Set(first.flatMap((value, index) => (groups.every((group) => group[index] === value) ? [index] : [])));
}

/** In the order of a person: 2 before 10. */
export function byName(a: string, b: string): number {
  return naturally.compare(a, b);
}
