// From what is asked to its text. Pure.

import { spellDuration } from "./durations.ts";
import type { Asked, Filter, Plan } from "./query_text.ts";
import { spellName } from "./tokens.ts";

/** A text that asks this. */
export function spellQuery({ stream, plan, where, lastMs }: Asked): string {
  const parts = plan ? [spellName(plan.measurement), ...spellSelect(plan)] : [spellName(stream ?? "")];
  if (Object.keys(where).length > 0) parts.push("where", spellFilter(where));
  if (plan) {
    if (plan.groupBy.length > 0) parts.push("by", plan.groupBy.map(spellName).join(","));
    parts.push(spellDuration(plan.everyMs));
    if (plan.windowMs !== plan.everyMs) parts.push("window", spellDuration(plan.windowMs));
  }
  if (lastMs !== null) parts.push("last", spellDuration(lastMs));
  return parts.join(" ");
}

/** `temp:mean,p95`, for each field. */
export function spellSelect({ select }: Plan): string[] {
  return Object.entries(select).map(([field, names]) => `${spellName(field)}:${names.join(",")}`);
}

/** `site=s1,s2 and dev=d1`. */
export function spellFilter(where: Filter): string {
  const values = (list: (string | null)[]): string => list.map((value) => (value === null ? "" : spellName(value))).join(",");
  return Object.entries(where).map(([tag, list]) => `${spellName(tag)}=${values(list)}`).join(" and ");
}
