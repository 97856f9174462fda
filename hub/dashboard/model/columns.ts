// Windows, which are rows, as lines over one time axis: merged in place, so that a window costs what its rows cost. Pure.

import type { Cell, Column, Window } from "../client/messages.ts";

/** A group's values of all columns, each as long as the time axis; null where the group had no point. */
export interface Group {
  key: string;
  tags: readonly Cell[];
  values: (number | null)[][];
}

/** A final window that was corrected after it was shown, and when that was seen. */
export interface Correction {
  stop: number;
  at: number;
}

export class Columns {
  /** When each window stopped, ascending; milliseconds. */
  stops: number[] = [];
  /** The windows themselves, in the same order. */
  windows: Window[] = [];
  readonly groups = new Map<string, Group>();
  /** Grows when a group comes or goes. */
  shape = 0;
  corrections: Correction[] = [];
  finalUntil = -Infinity;
  /** When the first window that has rows stopped. */
  oldest = Infinity;
  #tags: number[];
  #count: number;

  constructor(columns: readonly Column[]) {
    this.#tags = columns.flatMap(({ kind }, index) => (kind === "tag" ? [index] : []));
    this.#count = columns.length;
  }

  get tagIndexes(): readonly number[] {
    return this.#tags;
  }

  /** Put a window in its place; it replaces the one of the same time. `now` is when, for what is shown of it. */
  take(window: Window, now: number): void {
    const index = this.#place(window.stop);
    const known = this.stops[index] === window.stop ? this.windows[index] : undefined;
    if (known) {
      if (this.isFinal(index) && !sameRows(known, window)) this.corrections.push({ stop: window.stop, at: now });
      for (const { values } of this.groups.values()) for (const column of values) column[index] = null;
      this.windows[index] = window;
    } else {
      this.stops.splice(index, 0, window.stop);
      this.windows.splice(index, 0, window);
      for (const { values } of this.groups.values()) for (const column of values) column.splice(index, 0, null);
    }
    if (window.rows.length > 0) this.oldest = Math.min(this.oldest, window.stop);
    for (const row of window.rows) {
      const { values } = this.#group(row);
      for (let column = 0; column < this.#count; column += 1) {
        const cell = row[column];
        if (typeof cell === "number") (values[column] as (number | null)[])[index] = cell;
      }
    }
  }

  /** Whether a window will only change if a late point comes. */
  isFinal(index: number): boolean {
    const window = this.windows[index];
    return window !== undefined && (window.final || window.stop <= this.finalUntil);
  }

  /** The first of the windows at the end that may still change; the length where there is none. */
  get provisionalFrom(): number {
    let index = this.windows.length;
    while (index > 0 && !this.isFinal(index - 1)) index -= 1;
    return index;
  }

  /** The newest window that says something, which one that may still change does not while it has no rows. */
  get latest(): number {
    let index = this.windows.length - 1;
    while (index > 0 && this.windows[index]?.rows.length === 0 && !this.isFinal(index)) index -= 1;
    return index;
  }

  /** Forget what stopped before this time, once it is worth the work, and groups that have no value left. */
  prune(before: number): void {
    const stale = this.#place(before);
    if (stale < 50 + this.stops.length / 8) return;
    this.stops.splice(0, stale);
    this.oldest = Math.max(this.oldest, this.stops[0] ?? Infinity);
    this.windows.splice(0, stale);
    for (const [key, { values }] of this.groups) {
      for (const column of values) column.splice(0, stale);
      if (values.every((column) => column.every((value) => value === null)) && this.groups.delete(key)) this.shape += 1;
    }
  }

  /** Where a window that stopped then is, or belongs. New ones belong at the end, so the search begins there. */
  #place(stop: number): number {
    const last = this.stops.length - 1;
    if (last < 0 || (this.stops[last] as number) < stop) return last + 1;
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.stops[middle] as number) < stop) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #group(row: readonly Cell[]): Group {
    const tags = this.#tags.map((index) => row[index] ?? null);
    const key = tags.length === 1 ? String(tags[0] ?? "\0") : JSON.stringify(tags);
    let group = this.groups.get(key);
    if (!group) {
      const empty = (): (number | null)[] => new Array<number | null>(this.stops.length).fill(null);
      group = { key, tags, values: Array.from({ length: this.#count }, empty) };
      this.groups.set(key, group);
      this.shape += 1;
    }
    return group;
  }
}

function sameRows(a: Window, b: Window): boolean {
  return (
    a.rows.length === b.rows.length &&
    a.rows.every((row, index) => row.every((cell, column) => cell === b.rows[index]?.[column]))
  );
}
