// What a window is made of: the hub's `explain`, for people.

import type { Column, Explanation } from "../client/messages.ts";
import type { HubError } from "../client/problems.ts";
import { describeColumn, formatDuration, formatValue } from "../model/units.ts";
import { dialog, h } from "./dom.ts";
import { clock } from "./plot.ts";

const MOST_ROWS = 50;
const WAYS: Record<string, string> = {
  tail: "from this host's memory of the latest points",
  influxql: "from InfluxDB",
  partials: "from partial sums in this host's memory",
  duckdb: "from the embedded database",
};

/** Show it, once the hub has answered. */
export async function showExplanation(name: string, columns: readonly Column[], stop: number, asked: Promise<Explanation>): Promise<void> {
  const place = h("div", { class: "explanation", attr: { "aria-live": "polite" } }, h("p", { class: "quiet" }, "Asking the database …"));
  dialog(`${name} at ${clock(stop, stop % 1_000 || 1_000)}`, place);
  try {
    place.replaceChildren(...explained(await asked, columns));
  } catch (error) {
    place.replaceChildren(h("p", { class: "trouble" }, (error as HubError).message));
  }
}

function explained(answer: Explanation, columns: readonly Column[]): Node[] {
  const length = answer.stop - answer.start;
  const late = answer.late > 0 ? `, ${answer.late} of them late` : "";
  const facts: [string, string][] = [
    ["Window", `${clock(answer.start, length)} to ${clock(answer.stop, length)}, ${formatDuration(length)}`],
    ["Points", `${answer.points.toLocaleString("en")}${late}`],
    ["First and last", answer.first === null ? "–" : `${clock(answer.first, 1)} and ${clock(answer.last ?? 0, 1)}`],
    ["Answered", `${WAYS[answer.way] ?? answer.way}, in ${answer.query_ms.toFixed(1)} ms`],
  ];
  return [
    h("dl", {}, ...facts.flatMap(([term, fact]) => [h("dt", {}, term), h("dd", {}, fact)])),
    rowsOf(answer, columns),
    h("h3", {}, "Revisions that were sent"),
    revisionsOf(answer),
    h("h3", {}, "Query"),
    h("pre", { tabIndex: 0 }, answer.query),
  ];
}

function rowsOf(answer: Explanation, columns: readonly Column[]): Node {
  if (answer.rows.length === 0) return h("p", { class: "quiet" }, "No points, so no rows.");
  const head = h("tr", {}, ...columns.map(({ name, kind }) => h("th", { scope: "col", class: kind === "tag" ? "" : "number" }, name)));
  const lines = answer.rows.slice(0, MOST_ROWS).map((row) =>
    h("tr", {}, ...columns.map((column, index) => {
      const isTag = column.kind === "tag";
      const value = row[index] ?? null;
      return h("td", { class: isTag ? "" : "number" }, isTag ? String(value ?? "(none)") : formatValue(value, describeColumn(column).unit));
    })),
  );
  const more = answer.rows.length - lines.length;
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, ...lines));
  return h("div", { class: "table", tabIndex: 0 }, table, more > 0 && h("p", { class: "quiet" }, `and ${more} more`));
}

function revisionsOf(answer: Explanation): Node {
  if (answer.revisions.length === 0) return h("p", { class: "quiet" }, "None by this hub, or it no longer knows.");
  const items = answer.revisions.map(({ revision, sent, points }) => {
    const after = sent - answer.stop;
    return h("li", {}, `revision ${revision}: ${points} points, sent ${after < 10_000 ? `${after} ms` : formatDuration(Math.round(after / 1_000) * 1_000)} after the window stopped`);
  });
  return h("ul", {}, ...items);
}
