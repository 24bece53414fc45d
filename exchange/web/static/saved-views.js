// Views of a pair that were saved: thumbnails in the side panel. A click opens one, exactly as it was.

import { inSession } from "./session.js";
import { made } from "./viewer/made.js";
import { patiently } from "./viewer/patience.js";
import { swappedView } from "./viewer/swap.js";

const PRINTED_WIDTH = 1600;

/** A node's answer as JSON, in this session, or once it is this person's again; null where it has no content. Rejects with
 * an Error in words. */
async function asked(address, words, options = {}) {
  let answer;
  try {
    const headers = { Accept: "application/json", ...options.headers };
    answer = await patiently(() => inSession(address, { ...options, headers }));
  } catch {
    throw new Error(words("unreachable"));
  }
  const kind = answer.headers.get("content-type") ?? "";
  const content = kind.includes("json") ? await answer.json() : null;
  if (!answer.ok || answer.redirected) throw new Error(words({ 409: "most", 413: "too-large" }[answer.status] ?? "refused"));
  return content;
}

async function base64Of(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

class SavedViews {
  #section;
  #viewer;
  #words;

  constructor(section, viewer) {
    this.#section = section;
    this.#viewer = viewer;
    this.#words = (key, filled = {}) => (section.getAttribute(`data-text-${key}`) ?? key)
      .replace(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole);
    this.list = section.querySelector("ul");
    this.form = section.querySelector("form");
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#doing(() => this.#save());
    });
    this.#doing(() => this.#load());
  }

  async #load() {
    const { views } = await asked(this.#section.dataset.address, this.#words);
    this.list.replaceChildren(...views.map((view) => this.#item(view)));
    if (!views.length) this.#say(this.#words("empty"));
  }

  async #save() {
    const { title } = this.form.elements;
    const picture = await base64Of(await this.#viewer.picture({ most: PRINTED_WIDTH }));
    const body = JSON.stringify({ title: title.value.trim(), view: this.#viewer.view, picture });
    const saved = await this.#send(this.#section.dataset.address, { method: "POST", body });
    this.#viewer.saved();
    this.list.append(this.#item(saved));
    if (title.value.trim() === saved.title) this.form.reset(); // else the next title is being written
    this.#say(this.#words("saved"));
  }

  #send(address, options) {
    const headers = { "Content-Type": "application/json" };
    return asked(address, this.#words, { ...options, headers });
  }

  #item(saved) {
    const { title, made_by: maker, made_at: at, thumbnail } = saved;
    const open = made("button", { "type": "button", "class": "thumbnail", "aria-label": this.#words("open", { title }) },
      made("img", { src: thumbnail, alt: "", loading: "lazy" }), made("b", {}, title));
    open.addEventListener("click", () => this.#open(saved));
    const moment = `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
    const item = made("li", {}, open, made("span", { class: "hint" }, this.#words("made", { maker, moment })));
    if (saved.mine && this.form) {
      const named = this.#words("delete", { title });
      const remove = made("button", { "type": "button", "class": "quiet", "aria-label": named, "title": named }, "×");
      remove.addEventListener("click", () => this.#doing(() => this.#remove(saved, item)));
      item.append(remove);
    }
    return item;
  }

  #open({ view, query, title }) {
    this.#viewer.view = query === this.#section.dataset.query ? view : swappedView(view);
    this.#viewer.scrollIntoView({ block: "nearest" });
    this.#say(this.#words("opened", { title }));
  }

  async #remove({ address }, item) {
    await this.#send(address, { method: "DELETE" });
    item.remove();
    this.#say(this.#words("deleted"));
  }

  async #doing(act) {
    const button = this.form?.querySelector("button");
    if (button) button.disabled = true;
    try {
      await act();
    } catch (error) {
      this.#say(this.#words("failed", { reason: error.message }));
    } finally {
      if (button) button.disabled = false;
    }
  }

  #say(words) {
    this.#section.querySelector("[role=status]").textContent = words;
  }
}

/** Shows what was saved of the comparison, where the page has a place for it. */
export function showSavedViews() {
  for (const section of document.querySelectorAll(".saved-views")) {
    new SavedViews(section, document.querySelector("ffp-comparison"));
  }
}
