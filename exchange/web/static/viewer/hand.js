// The tool in the hand: which point it holds, and which kind it marks with.

import { KINDS } from "./names.js";
import { hold, markAt, next, step, take } from "./tools.js";

export class Hand {
  kind = KINDS[0];
  #held = null;
  #point = null; // the one that keys move

  /** Another tool, or another view: no point is held any more. */
  empty() {
    this.#held = this.#point = null;
  }

  chose(index) {
    this.#point = index;
  }

  take(view, stage, at) {
    this.#held = take(view, stage, at, this.kind);
    this.#point = this.#held?.index ?? null;
  }

  hold(view, stage, start, now) {
    if (this.#held) hold(view, stage, this.#held, start, now);
  }

  /** A click, or Enter without a place: a mark. Returns its index, or null where none was made. */
  mark(view, stage, at) {
    if (!markAt(view, stage, at, this.kind)) return null;
    this.#point = view.marks.length - 1;
    return this.#point;
  }

  step(view, stage, dx, dy) {
    this.#point = step(view, stage, this.#point, dx, dy);
  }

  next(view) {
    this.#point = next(view, this.#point);
  }

  change(view, index, values) {
    Object.assign(view.marks[index], values);
  }

  remove(view, index = this.#point) {
    if (index === null || !view.marks[index]) return;
    view.marks.splice(index, 1);
    this.#point = null;
  }
}
