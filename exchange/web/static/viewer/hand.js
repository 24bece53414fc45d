// The tool in the hand: which point it holds, which kind it marks with, and what can be undone.

import { KINDS } from "./names.js";
import { hold, markAt, next, step, take } from "./tools.js";

const MOST_UNDONE = 50;

export class Hand {
  kind = KINDS[0];
  #held = null;
  #point = null; // the one that keys move
  #before = []; // marks as they were

  get undoable() {
    return this.#before.length > 0;
  }

  /** Another tool, or another view: no point is held any more. */
  empty() {
    this.#held = this.#point = null;
  }

  forget() {
    this.empty();
    this.#before = [];
  }

  chose(index) {
    this.#point = index;
  }

  take(view, stage, at) {
    this.#keep(view);
    this.#held = take(view, stage, at, this.kind);
    this.#point = this.#held?.index ?? null;
  }

  hold(view, stage, start, now) {
    if (this.#held) hold(view, stage, this.#held, start, now);
  }

  /** A click, or Enter without a place: a mark. Returns its index, or null where none was made. */
  mark(view, stage, at) {
    this.#keep(view);
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
    this.#keep(view);
    Object.assign(view.marks[index], values);
  }

  remove(view, index = this.#point) {
    if (index === null || !view.marks[index]) return;
    this.#keep(view);
    view.marks.splice(index, 1);
    this.#point = null;
  }

  undo(view) {
    if (this.undoable) view.marks = this.#before.pop();
    this.empty();
  }

  #keep(view) {
    if (view.tool !== "mark" && !view.marks.length) return;
    this.#before.push(structuredClone(view.marks));
    this.#before = this.#before.slice(-MOST_UNDONE);
  }
}
