// Small menus under a button, in which a panel's window, aggregates, groups and filter are changed in place.

import type { Measurement } from "../client/messages.ts";
import { parseDuration, spellDuration } from "../model/durations.ts";
import { AGGREGATES, type Filter, type Plan } from "../model/query_text.ts";
import { h } from "./dom.ts";

const STEPS = [1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000];

/** A tag with more values than this shows them only when asked. */
const MOST_OPEN = 12;

/** What a menu changes; asked anew each time, because each change makes another plan. */
export interface Changing {
  current(): { plan: Plan; where: Filter } | null;
  change(change: (plan: Plan) => Plan): void;
  filter(tag: string, values: (string | null)[]): void;
}

/** Show content under a button until something else is pressed. */
export function openMenu(anchor: HTMLElement, label: string, content: Node): void {
  const menu = h("div", { class: "menu", popover: "auto", attr: { role: "dialog", "aria-label": label } }, content);
  menu.addEventListener("toggle", (event) => {
    if ((event as ToggleEvent).newState === "closed") menu.remove();
  });
  document.body.append(menu);
  menu.showPopover();
  const box = anchor.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, innerWidth - menu.offsetWidth - 8));
  const below = box.bottom + 6;
  const top = below + menu.offsetHeight < innerHeight ? below : Math.max(8, box.top - menu.offsetHeight - 6);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
  menu.querySelector<HTMLElement>("input, button")?.focus();
}

export function windowMenu(changing: Changing): Node {
  const plan = changing.current()?.plan;
  const wrong = h("p", { class: "trouble", hidden: true });
  const every = h("input", { value: spellDuration(plan?.everyMs ?? 1_000), size: 6, attr: { "aria-label": "A window every" } });
  const over = h("input", { value: spellDuration(plan?.windowMs ?? 1_000), size: 6, attr: { "aria-label": "over the last" } });
  const apply = (isStep: boolean): void => {
    const everyMs = parseDuration(every.value.trim());
    if (isStep) over.value = every.value;
    const windowMs = parseDuration(over.value.trim());
    const isRight = everyMs !== null && windowMs !== null && everyMs >= 100 && windowMs >= everyMs && windowMs % everyMs === 0;
    wrong.textContent = "Write durations such as 10s or 5m, 100ms at least; the second a whole multiple of the first.";
    wrong.hidden = isRight;
    if (isRight) changing.change((old) => ({ ...old, everyMs, windowMs }));
  };
  every.onchange = () => apply(true);
  over.onchange = () => apply(false);
  const steps = STEPS.map((step) => {
    const onclick = (): void => {
      every.value = spellDuration(step);
      apply(true);
    };
    return h("button", { type: "button", class: "toggle", onclick }, spellDuration(step));
  });
  return h(
    "div", {},
    h("h3", {}, "Window"),
    h("p", { class: "toggles" }, ...steps),
    h("p", { class: "fields" }, h("label", {}, "every ", every), h("label", {}, "over the last ", over)),
    wrong,
  );
}

export function aggregatesMenu(changing: Changing, measurement: Measurement | undefined): Node {
  const select = changing.current()?.plan.select ?? {};
  const names = [...new Set([...Object.keys(select), ...(measurement?.fields ?? []).map(({ name }) => name)])];
  const fields = names.map((field) => {
    const choices = [...new Set([...AGGREGATES, ...(select[field] ?? [])])];
    const toggles = choices.map((aggregate) => {
      const isChosen = (select[field] ?? []).includes(aggregate);
      return toggle(aggregate, isChosen, (on) => changing.change((plan) => withAggregate(plan, field, aggregate, on)));
    });
    return h("details", { open: field in select }, h("summary", {}, field), h("p", { class: "toggles" }, ...toggles));
  });
  return h("div", {}, h("h3", {}, "Fields and aggregates"), ...fields);
}

/** The plan with an aggregate more or less; the last one stays. */
function withAggregate(plan: Plan, field: string, aggregate: string, on: boolean): Plan {
  const chosen = plan.select[field] ?? [];
  const names = on ? [...chosen.filter((name) => name !== aggregate), aggregate] : chosen.filter((name) => name !== aggregate);
  const { [field]: _, ...others } = plan.select;
  if (names.length > 0) return { ...plan, select: { ...plan.select, [field]: names } };
  return Object.keys(others).length > 0 ? { ...plan, select: others } : plan;
}

export function groupMenu(changing: Changing, measurement: Measurement | undefined): Node {
  const groupBy = changing.current()?.plan.groupBy ?? [];
  const tags = [...new Set([...groupBy, ...(measurement?.tags ?? []).map(({ name }) => name)])];
  if (tags.length === 0) return h("p", { class: "quiet" }, "This measurement has no tags.");
  const toggles = tags.map((tag) =>
    toggle(tag, groupBy.includes(tag), (on) =>
      changing.change((plan) => {
        const others = plan.groupBy.filter((name) => name !== tag);
        return { ...plan, groupBy: on ? [...others, tag] : others };
      }),
    ),
  );
  return h("div", {}, h("h3", {}, "A line for each"), h("p", { class: "toggles" }, ...toggles));
}

export function filterMenu(changing: Changing, measurement: Measurement | undefined): Node {
  const where = changing.current()?.where ?? {};
  const tags = measurement?.tags ?? [];
  if (tags.length === 0) return h("p", { class: "quiet" }, "This measurement has no tags.");
  const sections = tags.map(({ name, values, more }) => {
    const chosen = where[name] ?? [];
    const all = [...new Set([...chosen, ...values, null])];
    const toggles = all.map((value) =>
      toggle(value ?? "(none)", chosen.includes(value), (on) => {
        const now = changing.current()?.where[name] ?? [];
        changing.filter(name, on ? [...now, value] : now.filter((other) => other !== value));
      }),
    );
    const note = more && h("p", { class: "quiet" }, "There are more values; edit the query to name them.");
    return h("details", { open: chosen.length > 0 || values.length <= MOST_OPEN }, h("summary", {}, name), h("p", { class: "toggles" }, ...toggles), note);
  });
  return h("div", {}, h("h3", {}, "Only where"), ...sections);
}

/** A checkbox that looks like a button. */
function toggle(label: string, checked: boolean, changed: (on: boolean) => void): HTMLElement {
  const box = h("input", { type: "checkbox", checked });
  box.onchange = () => changed(box.checked);
  return h("label", { class: "toggle" }, box, label);
}
