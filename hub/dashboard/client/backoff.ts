// How long to wait before the next try, so that many clients of a hub that restarts do not come back at once. Pure.

const FIRST_MS = 250;
const LONGEST_MS = 10_000;

export class Backoff {
  #failures = 0;
  #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds to wait: what the hub has asked for, and a random part that grows with each failure. */
  delay(asked: number): number {
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    return asked + this.#random() * ceiling;
  }

  succeeded(): void {
    this.#failures = 0;
  }
}
