// What is marked: the kind of the next mark, over the stage; and the list of all, each with its kind and its words, to be
// changed and deleted.

import { MARKS } from "./ink.js";
import { made } from "./made.js";
import { LONGEST_TEXT } from "./mark-data.js";
import { KINDS } from "./names.js";

/**
 * `acts`: {changed(index, {kind or text}), removed(index), chosen(index), kind(name)}: told what was done here; the list
 * itself changes nothing. `kinds` and `node` are to be put where they are wanted.
 */
export class MarkList {
  #text;
  #acts;
  #rows = [];

  constructor(text, acts) {
    this.#text = text;
    this.#acts = acts;
    const kinds = KINDS.map((kind, i) => {
      const button = made("button", { "type": "button", "data-kind": kind, "aria-pressed": String(i === 0) }, text(kind));
      button.addEventListener("click", () => acts.kind(kind));
      return button;
    });
    this.kinds = made("div", { class: "ffp-segments", role: "group", "aria-label": text("new-mark"), hidden: "" },
      ...kinds);
    this.hint = made("p", { class: "ffp-hint" }, text("mark-hint"));
    this.list = made("ol", {});
    this.node = made("section", { class: "ffp-marks", "aria-label": text("marks"), hidden: "" },
      made("h2", {}, text("marks")), this.hint, this.list);
  }

  /** Bring the list to the marks of a view: rows that are there stay, so that nobody's cursor jumps. */
  show({ marks, tool }, { kind }) {
    this.node.hidden = tool !== "mark" && !marks.length;
    this.hint.hidden = tool !== "mark";
    this.kinds.hidden = tool !== "mark";
    for (const button of this.kinds.children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    while (this.#rows.length > marks.length) this.#rows.pop().row.remove();
    while (this.#rows.length < marks.length) {
      this.#rows.push(this.#row(this.#rows.length));
      this.list.append(this.#rows.at(-1).row);
    }
    marks.forEach((mark, i) => {
      const { swatch, select, input } = this.#rows[i];
      swatch.setAttribute("fill", MARKS[mark.kind]);
      select.value = mark.kind;
      if (input !== document.activeElement) input.value = mark.text; // else somebody is writing in it
    });
  }

  /** Write into the words of a mark. */
  focus(index) {
    this.#rows[index]?.input.focus();
  }

  #row(index) {
    const named = (key) => this.#text(key, { number: String(index + 1) });
    const select = made("select", { "aria-label": named("mark-kind") },
      ...KINDS.map((kind) => made("option", { value: kind }, this.#text(kind))));
    const input = made("input", { type: "text", maxlength: String(LONGEST_TEXT), "aria-label": named("mark-text"),
      "placeholder": this.#text("mark-placeholder") });
    const remove = made("button", { "type": "button", "aria-label": named("mark-remove"), "title": named("mark-remove") }, "×");
    select.addEventListener("change", () => this.#acts.changed(index, { kind: select.value }));
    input.addEventListener("change", () => this.#acts.changed(index, { text: input.value }));
    input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
    remove.addEventListener("click", () => this.#acts.removed(index));
    const row = made("li", {});
    row.addEventListener("focusin", () => this.#acts.chosen(index));
    const badge = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of [["width", 12], ["height", 12], ["aria-hidden", "true"]]) badge.setAttribute(name, value);
    const swatch = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    for (const name of ["cx", "cy", "r"]) swatch.setAttribute(name, 6);
    badge.append(swatch);
    row.append(badge, select, remove, input);
    return { row, swatch, select, input };
  }
}
