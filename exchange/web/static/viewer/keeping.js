// What was done to this pair and not saved: kept in this tab, taken up again, and said to be no more than that.

import { KeptWork } from "../kept-work.js";
import { differ } from "./history.js";
import { made } from "./made.js";

export class Keeping {
  #kept = null;
  #base = null; // the view that nobody need keep
  #text;
  #chip = null;

  /** Of the person whose page this is; the element's attribute `keep` names the pair. Without either nothing is kept. */
  constructor(element, text) {
    const owner = document.querySelector("[data-session]")?.dataset.pseudonym;
    if (owner && element.hasAttribute("keep")) this.#kept = new KeptWork(owner, element.getAttribute("keep"));
    this.#text = text;
  }

  /** The view that was kept, and said in `place` with a way to be rid of it, `discard()`; null for none. */
  takeUp(place, locale, discard) {
    const found = this.#kept?.read();
    if (!found) return null;
    const time = new Date(found.at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
    const button = made("button", { type: "button" }, this.#text("discard"));
    button.addEventListener("click", discard);
    this.#chip = made("p", { class: "ffp-kept" }, this.#text("kept", { time }), button);
    place.append(this.#chip);
    return found.view;
  }

  /** This view is as it is without anybody's doing, or it is saved elsewhere: it is not kept. */
  need(view) {
    this.#base = structuredClone(view);
  }

  /** The view changed by itself, in this part. */
  followed(view, part) {
    if (this.#base) this.#base[part] = structuredClone(view[part]);
  }

  /** The view came to rest. */
  settled(view) {
    if (!this.#kept || !this.#base) return;
    if (differ(this.#base, view)) this.#kept.write(view);
    else this.forget();
  }

  forget() {
    this.#kept?.forget();
    this.#chip?.remove();
  }
}
