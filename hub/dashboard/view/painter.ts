// When what is drawn: everything that is due in few frames of which none takes long.

/** For how long one frame may draw; what is left is for the next that draws. */
const DRAWING_MS = 6;
/** From one frame that draws to the next: a browser hands on every canvas anew where one has changed. */
const DRAWING_EVERY_MS = 45;

/** A chart or a table. */
export interface Painted {
  /** When it was drawn last, by `performance.now`. */
  readonly drawnAt: number;
  paint(from: number, to: number): void;
}

/** Draws at the browser's pace from now on; `range` is the time axis, `due` what is to be drawn over it. */
export function keepPainted(range: () => [number, number], due: (from: number, to: number) => Painted[]): void {
  let restsUntil = 0;
  const frame = (): void => {
    requestAnimationFrame(frame);
    const begin = performance.now();
    if (begin < restsUntil) return;
    const [from, to] = range();
    for (const view of due(from, to).sort((a, b) => a.drawnAt - b.drawnAt)) {
      view.paint(from, to);
      restsUntil = begin + DRAWING_EVERY_MS;
      if (performance.now() - begin > DRAWING_MS) return;
    }
  };
  requestAnimationFrame(frame);
}
