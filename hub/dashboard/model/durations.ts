// Durations as the hub writes them: `250ms`, `10s`, `5m`, `1h`, `30d`; inside, milliseconds. Pure.

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DURATION = /^([0-9]{1,15})(ms|s|m|h|d|w)$/;

/** No duration in a request may be longer than a hundred years. */
export const LONGEST_MS = 100 * 366 * 86_400_000;

/** Milliseconds of a duration; null where the text is none. */
export function parseDuration(text: string): number | null {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return count === undefined || unit === undefined ? null : Number(count) * (UNITS[unit] ?? 1);
}

/** The shortest text that parses to the same duration. */
export function spellDuration(milliseconds: number): string {
  const unit = ["w", "d", "h", "m", "s"].find((name) => milliseconds > 0 && milliseconds % (UNITS[name] ?? 1) === 0);
  return unit ? `${milliseconds / (UNITS[unit] ?? 1)}${unit}` : `${milliseconds}ms`;
}

/** The least round duration that is not shorter: a whole second, minute, hour, or a part of one that divides it. */
export function roundUp(milliseconds: number): number {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
  const step = steps.find((seconds) => seconds * 1_000 >= milliseconds);
  return step === undefined ? Math.ceil(milliseconds / 86_400_000) * 86_400_000 : step * 1_000;
}
