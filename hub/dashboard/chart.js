// A line chart on a canvas: lines over the last minutes, one time axis, values from zero where that is honest.

import { formatTick, ticks } from "./model/units.ts";

const LEFT = 66;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

const TIME_STEPS = [10_000, 15_000, 30_000, 60_000, 120_000, 300_000];
/** Pixels from one label of the time axis to the next. */
const TIME_LABEL = 76;
const withMinutes = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const withSeconds = new Intl.DateTimeFormat([], {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Where a chart of this width has its times: the same for every chart, so that they line up. */
export function timeAt(x, width, from, to) {
  return from + ((x - LEFT) / (width - LEFT - RIGHT)) * (to - from);
}

/** Pixels of the canvas for one millisecond. */
export function pixelsPerMillisecond(canvas, span) {
  return Math.max(0, canvas.clientWidth - LEFT - RIGHT) / span;
}

/**
 * Draw `lines`, each `{color, points: [{time, value, provisional}], every}`, from time `from` to `to`.
 * `hover` is a time to mark, or null. `palette` has the colours `text`, `strong`, `grid` and `background`.
 */
export function drawChart(canvas, { lines, from, to, unit, hover, palette }) {
  const context = fit(canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width <= LEFT + RIGHT || height <= TOP + BOTTOM) return;
  const marks = valueAxis(lines, unit, height < 140 ? 3 : 4);
  const [low, high] = [marks[0], marks.at(-1)];
  const x = (time) => LEFT + ((time - from) / (to - from)) * (width - LEFT - RIGHT);
  const y = (value) => height - BOTTOM - ((value - low) / (high - low)) * (height - TOP - BOTTOM);
  context.clearRect(0, 0, width, height);
  context.font = getComputedStyle(canvas).font;
  drawValueAxis(context, marks, unit, y, width, palette);
  drawTimeAxis(context, from, to, x, height, palette);
  context.save();
  context.beginPath();
  context.rect(LEFT, 0, width - LEFT, height - BOTTOM + 4);
  context.clip();
  for (const line of lines) drawLine(context, line, x, y, palette, lines.length === 1);
  if (hover !== null) drawHover(context, lines, hover, x, y, height, palette);
  context.restore();
  if (hover !== null) drawHoverTime(context, hover, x, height, palette);
}

/** Give the canvas as many pixels as the screen has there. */
function fit(canvas) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

/** The ticks of the value axis: from zero, unless all values are far from it or below it. */
function valueAxis(lines, unit, count) {
  let low = Infinity;
  let high = -Infinity;
  for (const { points } of lines) {
    for (const { value } of points) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) [low, high] = [0, 1];
  const isFarFromZero = low > 0 && high - low < high / 5 && unit !== "%";
  if (low > 0 && !isFarFromZero) low = 0;
  if (high < 0) high = 0;
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low), Math.max(0, high)];
  if (unit === "%" && low >= 0 && high <= 100 && high > 80) high = 100;
  return ticks(low, high, unit, count);
}

function drawValueAxis(context, marks, unit, y, width, palette) {
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.lineWidth = 1;
  context.strokeStyle = palette.grid;
  context.fillStyle = palette.text;
  for (const mark of marks) {
    const at = Math.round(y(mark)) + 0.5;
    context.beginPath();
    context.moveTo(LEFT, at);
    context.lineTo(width - RIGHT, at);
    context.stroke();
    context.fillText(formatTick(mark, unit), LEFT - 8, at);
  }
}

function drawTimeAxis(context, from, to, x, height, palette) {
  const step = TIME_STEPS.find((one) => x(one) - x(0) >= TIME_LABEL) ?? TIME_STEPS.at(-1);
  const format = step < 60_000 ? withSeconds : withMinutes;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillStyle = palette.text;
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
    const at = x(time);
    context.beginPath();
    context.moveTo(Math.round(at) + 0.5, height - BOTTOM);
    context.lineTo(Math.round(at) + 0.5, height - BOTTOM + 4);
    context.stroke();
    if (at > LEFT + 8 && at < x(to) - 8) context.fillText(format.format(time), at, height - BOTTOM + 8);
  }
}

/** A line with gaps where windows are missing or have no value; dashed, with hollow ends, where provisional. */
function drawLine(context, line, x, y, palette, isAlone) {
  context.strokeStyle = line.color;
  context.lineJoin = "round";
  context.lineWidth = 1.6;
  for (const run of runs(line)) {
    const firm = run.filter((point) => !point.provisional);
    const loose = run.slice(Math.max(0, firm.length - 1));
    if (isAlone) fillUnder(context, run, x, y, line.color);
    strokePath(context, firm, x, y, []);
    if (loose.length > 1) strokePath(context, loose, x, y, [3, 3]);
    if (firm.length === 1 && loose.length === 1) dot(context, x(run[0].time), y(run[0].value), line.color, line.color);
    for (const point of run.slice(firm.length)) {
      dot(context, x(point.time), y(point.value), palette.background, line.color);
    }
  }
}

/** The stretches of a line without a gap. */
function* runs({ points, every }) {
  let run = [];
  for (const point of points) {
    const last = run.at(-1);
    if (last && (point.value === null || point.time - last.time > every * 1.5)) {
      yield run;
      run = [];
    }
    if (point.value !== null) run.push(point);
  }
  if (run.length > 0) yield run;
}

function strokePath(context, points, x, y, dash) {
  context.setLineDash(dash);
  context.beginPath();
  for (const { time, value } of points) context.lineTo(x(time), y(value));
  context.stroke();
  context.setLineDash([]);
}

function fillUnder(context, points, x, y, color) {
  context.save();
  context.globalAlpha = 0.1;
  context.fillStyle = color;
  context.beginPath();
  for (const { time, value } of points) context.lineTo(x(time), y(value));
  context.lineTo(x(points.at(-1).time), y(0));
  context.lineTo(x(points[0].time), y(0));
  context.fill();
  context.restore();
}

function dot(context, x, y, fill, stroke) {
  context.beginPath();
  context.arc(x, y, 2.4, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = stroke;
  context.stroke();
}

function drawHover(context, lines, hover, x, y, height, palette) {
  context.globalAlpha = 0.5;
  context.strokeStyle = palette.text;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(Math.round(x(hover)) + 0.5, TOP);
  context.lineTo(Math.round(x(hover)) + 0.5, height - BOTTOM);
  context.stroke();
  context.globalAlpha = 1;
  for (const { points, color } of lines) {
    const point = points.find(({ time }) => time === hover);
    if (point && point.value !== null) dot(context, x(hover), y(point.value), color, palette.background);
  }
}

/** The marked time, on the time axis. */
function drawHoverTime(context, hover, x, height, palette) {
  const label = withSeconds.format(hover);
  const width = context.measureText(label).width + 12;
  context.fillStyle = palette.background;
  context.fillRect(x(hover) - width / 2, height - BOTTOM + 5, width, BOTTOM - 5);
  context.fillStyle = palette.strong;
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillText(label, x(hover), height - BOTTOM + 8);
}
