// What is said where there is nothing to show yet: what to do.

import { h } from "./dom.ts";

const STREAM = `[streams.weather]
measurement = "weather"
select = { temp = ["mean", "p95"] }
group_by = ["site"]
every = "1s"`;

/** For a page without panels; `hasStreams` where there would be some to show. */
export function emptyPage(hasStreams: boolean, add: () => void, showAll: () => void): HTMLElement {
  const write = h("button", { type: "button", class: "primary", onclick: add }, "Write a query");
  if (hasStreams) {
    const all = h("button", { type: "button", onclick: showAll }, "Show all streams");
    return h("section", { class: "panel empty" }, h("h2", {}, "No panels"), h("p", {}, "Nothing is shown at the moment."), h("p", { class: "fields" }, all, write));
  }
  return h(
    "section", { class: "panel empty" },
    h("h2", {}, "No streams yet"),
    h("p", {}, "Look at what devices have written:"),
    h("p", {}, write),
    h("p", {}, "Or name windows that everybody sees, in a file, and start the hub with it:"),
    h("pre", { tabIndex: 0 }, STREAM),
    h("pre", { tabIndex: 0 }, "pxl-hub serve --config hub.toml"),
    h("p", { class: "quiet" }, "No device at hand? ", h("code", {}, "pxl-hub demo"), " measures the machine that it runs on."),
  );
}
