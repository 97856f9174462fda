// uPlot as the charts use it: its options, and what is drawn over its lines.

import uPlot from "uplot";
import type { Columns } from "../model/columns.ts";
import { formatTick, valueAxis } from "../model/units.ts";
import { faint, lineColor, palette } from "./theme.ts";

/** For how long a corrected window is marked, milliseconds. */
export const FLASH_MS = 2_500;

/** What a plot draws, as it is at the moment of drawing. */
export interface Drawn {
  unit: string;
  everyMs: number;
  columns: Columns;
  lines: readonly { label: string; values: readonly (number | null)[]; isHidden: boolean }[];
  /** The first window that may still change. */
  firm: number;
}

export interface PlotEvents {
  zoom(from: number, to: number): void;
  unzoom(): void;
  cursor(index: number | null): void;
  click(index: number): void;
}

const DOUBLE_CLICK_MS = 250;
const FONT = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const linear = uPlot.paths.linear!();
const ruler = document.createElement("canvas").getContext("2d")!;
const day = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const minutes = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const seconds = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** A plot in `place`; `drawn` is asked at each drawing. */
export function makePlot(place: HTMLElement, size: uPlot.Options["width"], height: number, drawn: () => Drawn, events: PlotEvents): uPlot {
  let marks: number[] = [0, 1];
  const axis = { stroke: () => palette.text, font: FONT, ticks: { show: false } };
  const grid = { stroke: () => palette.grid, width: 1 };
  const options: uPlot.Options = {
    width: size,
    height,
    ms: 1,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 6 },
      sync: { key: "page", setSeries: false, scales: ["x", null] },
      points: { size: 7, width: 1.5, stroke: () => palette.card, fill: (_, index) => lineColor(index - 1) },
      bind: { dblclick: () => () => (events.unzoom(), null) },
    },
    scales: {
      x: { time: true, auto: false, range: (_, from, to) => [from, to] },
      y: {
        range: (_, low, high) => {
          marks = valueAxis(low ?? Infinity, high ?? -Infinity, drawn().unit, height < 150 ? 3 : 4);
          return [marks[0] ?? 0, marks.at(-1) ?? 1];
        },
      },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, gap: 6, space: betweenLabels, values: timeLabels },
      { ...axis, grid, size: 62, gap: 8, splits: () => marks, values: (_, splits) => splits.map((mark) => formatTick(mark, drawn().unit)) },
    ],
    series: [{}, ...drawn().lines.map((line, index) => seriesOf(line.isHidden, index, drawn))],
    hooks: {
      drawClear: [cover],
      draw: [(plot) => (drawProvisional(plot, drawn()), drawFlashes(plot, drawn()))],
      setCursor: [(plot) => events.cursor(plot.cursor.idx ?? null)],
      setSelect: [(plot) => {
        if (plot.select.width < 6) return;
        events.zoom(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x"));
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    },
  };
  const plot = new uPlot(options, [[]], place);
  listenForClicks(plot, events);
  return plot;
}

/** A click is one only if it neither ends a drag nor begins a double click. */
function listenForClicks(plot: uPlot, events: PlotEvents): void {
  let pressed = 0;
  let alone: ReturnType<typeof setTimeout> | undefined;
  plot.over.addEventListener("mousedown", (event) => (pressed = event.clientX));
  plot.over.addEventListener("click", (event) => {
    clearTimeout(alone);
    const index = plot.cursor.idx;
    const isDrag = Math.abs(event.clientX - pressed) >= 5;
    if (event.detail < 2 && !isDrag && typeof index === "number") alone = setTimeout(() => events.click(index), DOUBLE_CLICK_MS);
  });
}

function seriesOf(isHidden: boolean, index: number, drawn: () => Drawn): uPlot.Series {
  const isAlone = drawn().lines.length === 1;
  return {
    show: !isHidden,
    width: 1.5,
    stroke: () => lineColor(index),
    ...(isAlone && { fill: () => faint(lineColor(index), 0.12) }),
    // What may still change is drawn dashed, by drawProvisional.
    paths: (plot, series, first, last) => {
      const firm = Math.min(last, drawn().firm - 1);
      return firm < first ? null : linear(plot, series, first, firm);
    },
    gaps: (plot, series, first, last, gaps) => withMissing(plot, series, first, last, gaps, drawn().everyMs),
    points: { show: true, size: 4, width: 0, fill: () => lineColor(index), filter: (plot, series) => lonely(plot, series) },
  };
}

/** The canvas hides what is beneath, which then need not be drawn: see build.mjs. */
function cover({ ctx: context }: uPlot): void {
  context.fillStyle = palette.card;
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
}

/** Windows that never came are a gap too, not a line to the next. */
function withMissing(plot: uPlot, _: number, first: number, last: number, gaps: uPlot.Series.Gaps, everyMs: number): uPlot.Series.Gaps {
  const times = plot.data[0] as number[];
  const missing: uPlot.Series.Gaps = [];
  for (let index = first + 1; index <= last; index += 1) {
    const [before, at] = [times[index - 1] ?? 0, times[index] ?? 0];
    if (at - before > everyMs * 1.5) missing.push([plot.valToPos(before, "x", true), plot.valToPos(at, "x", true)]);
  }
  return missing.length === 0 ? gaps : [...gaps, ...missing].sort((a, b) => a[0] - b[0]);
}

/** Values between two gaps, which no line would show. */
function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] as (number | null)[];
  const found: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null) found.push(index);
  }
  return found;
}

/** The windows that may still change: dashed, with hollow ends. */
function drawProvisional(plot: uPlot, { lines, firm, columns }: Drawn): void {
  const { ctx: context, bbox } = plot;
  const scale = uPlot.pxRatio;
  if (firm >= columns.stops.length) return;
  context.save();
  context.beginPath();
  context.rect(bbox.left, 0, bbox.width + 4 * scale, bbox.top + bbox.height);
  context.clip();
  context.lineWidth = 1.5 * scale;
  lines.forEach(({ values, isHidden }, line) => {
    if (isHidden) return;
    context.strokeStyle = lineColor(line);
    context.fillStyle = palette.card;
    const points = pointsFrom(plot, columns.stops, values, Math.max(0, firm - 1));
    context.setLineDash([3 * scale, 3 * scale]);
    context.beginPath();
    points.forEach((point, index) => {
      if (point && points[index - 1]) context.lineTo(...point);
      else if (point) context.moveTo(...point);
    });
    context.stroke();
    context.setLineDash([]);
    for (const point of points.slice(firm > 0 ? 1 : 0)) if (point) circle(context, ...point, 2.4 * scale);
  });
  context.restore();
}

/** Where the values from `first` on are on the canvas; null where there is none. */
function pointsFrom(plot: uPlot, stops: readonly number[], values: readonly (number | null)[], first: number): ([number, number] | null)[] {
  return stops.slice(first).map((stop, index) => {
    const value = values[first + index];
    return typeof value === "number" ? [plot.valToPos(stop, "x", true), plot.valToPos(value, "y", true)] : null;
  });
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

/** A ring that widens and fades around each value of a window that was corrected just now. */
function drawFlashes(plot: uPlot, { lines, columns }: Drawn): void {
  if (columns.corrections.length === 0) return;
  const now = performance.now();
  const { ctx: context } = plot;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  context.save();
  context.lineWidth = 2 * uPlot.pxRatio;
  context.strokeStyle = palette.flash;
  for (const { stop, at } of columns.corrections) {
    const age = (now - at) / FLASH_MS;
    const index = columns.stops.indexOf(stop);
    if (age > 1 || index < 0) continue;
    context.globalAlpha = isStill ? 1 : 1 - age;
    for (const { values, isHidden } of lines) {
      const value = values[index];
      if (isHidden || typeof value !== "number") continue;
      context.beginPath();
      context.arc(plot.valToPos(stop, "x", true), plot.valToPos(value, "y", true), (isStill ? 6 : 4 + 8 * age) * uPlot.pxRatio, 0, 2 * Math.PI);
      context.stroke();
    }
  }
  context.restore();
}

/** The least from one time label to the next, CSS pixels: with seconds they are wide, and half a minute has seconds. */
function betweenLabels(_: uPlot, __: number, from: number, to: number, width: number): number {
  const minute = (width * 60_000) / (to - from);
  return minute < 100 ? 50 : 76;
}

/** A label for each mark, but for those that the right edge would cut, however wide this machine's letters are. */
function timeLabels(plot: uPlot, marks: number[], _: number, __: number, step: number): string[] {
  const left = plot.bbox.left / uPlot.pxRatio;
  return marks.map((mark) => {
    const label = timeLabel(mark, step);
    return left + plot.valToPos(mark, "x") + widthOf(label) / 2 > plot.width ? "" : label;
  });
}

/** How wide a label is, CSS pixels. */
function widthOf(label: string): number {
  ruler.font = FONT;
  return Math.ceil(ruler.measureText(label).width);
}

function timeLabel(time: number, step: number): string {
  const at = new Date(time);
  if (at.getHours() + at.getMinutes() + at.getSeconds() === 0) return day.format(at);
  return (step < 60_000 ? seconds : minutes).format(at);
}

/** A time of day to the second, and finer where windows are. */
export function clock(time: number, everyMs = 1_000): string {
  return seconds.format(time) + (everyMs % 1_000 ? `.${String(time % 1_000).padStart(3, "0")}` : "");
}
