// What was said on a socket, newest first, as much of it as a reader can use.

import { code, make, shown } from "./dom.ts";

const MOST = 200;
const LONGEST = 20_000;

export type Direction = "sent" | "received" | "note";
const MARKS: Record<Direction, string> = { sent: "▲ sent", received: "▼ received", note: "● socket" };

export class FrameLog {
  readonly element = make("ol", { class: "frames", "aria-label": "Frames, newest first", tabindex: "0" });
  #paused = false;
  #missed = 0;

  /** Add a frame or a note; while paused it is only counted. */
  add(direction: Direction, text: string): void {
    if (this.#paused && direction === "received") {
      this.#missed += 1;
      return;
    }
    const message = read(text);
    const time = new Date().toISOString().slice(11, 23);
    const head = `${time} ${MARKS[direction]} ${kindOf(message)}`;
    const body = typeof message === "string" ? message : shown(message);
    const whole = body.length > LONGEST ? `${body.slice(0, LONGEST)}\n… ${body.length - LONGEST} more characters` : body;
    const one = make("li", { class: direction }, make("span", {}, head), direction === "note" ? whole : code(whole));
    this.element.prepend(one);
    while (this.element.children.length > MOST) this.element.lastElementChild!.remove();
  }

  clear(): void {
    this.element.replaceChildren();
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused && this.#missed > 0) this.add("note", `${this.#missed} frames came while this was paused`);
    this.#missed = 0;
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function kindOf(message: unknown): string {
  return typeof message === "object" && message !== null && "type" in message ? String(message.type) : "";
}
