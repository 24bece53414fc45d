// What was done to a pair, step by step: the pose, the light, what was laid and marked. Each step is a view that settled.

const PARTS = ["camera", "reference", "divider", "light", "exaggeration", "contrast", "measure", "measured_on", "angle",
  "profile", "marks"];
const MOST_STEPS = 100;

const partsOf = (view) => Object.fromEntries(PARTS.map((name) => [name, structuredClone(view[name])]));

/** Whether two views differ in what can be undone. */
export function differ(one, other) {
  return PARTS.some((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
}

export class History {
  #done = [];
  #undone = [];
  #now = null;

  /** From here on: nothing can be undone. */
  begin(view) {
    [this.#done, this.#undone] = [[], []];
    this.#now = partsOf(view);
  }

  get undoable() {
    return this.#done.length > 0;
  }

  get redoable() {
    return this.#undone.length > 0;
  }

  /** A view came to rest: one step, where it differs from the last one. */
  settled(view) {
    if (!this.#now || !differ(this.#now, view)) return;
    this.#done = [...this.#done, this.#now].slice(-MOST_STEPS);
    this.#undone = [];
    this.#now = partsOf(view);
  }

  /** A part of the view is another by itself, as when the stage took another size: nobody did that. */
  followed(view, part) {
    if (this.#now) this.#now[part] = structuredClone(view[part]);
  }

  undo(view) {
    this.settled(view);
    this.#step(view, this.#done, this.#undone);
  }

  redo(view) {
    this.settled(view);
    this.#step(view, this.#undone, this.#done);
  }

  #step(view, from, onto) {
    if (!from.length) return;
    onto.push(this.#now);
    this.#now = from.pop();
    Object.assign(view, structuredClone(this.#now));
  }
}
