// Saves what was changed on a form a moment after it was, and shows the notes that come back beside their fields. Only
// what somebody changed here is sent, with what stood there before: what another page changed stays, and is shown here.

import { inSession } from "../session.js";
import { patiently } from "../viewer/patience.js";
import { asking } from "./asking.js";
import { controlsOf, drawnIn, put, valueOf } from "./controls.js";

const PAUSE_MS = 700;
const AGAIN_MS = 4000;

/** `state` is where it is said when it was saved, `asks` where it is asked which of two texts is to stand. `elsewhere` is
 * called with each control that another page changed, `files` with the draft's files. Returns {now, adopt, settled, tell}. */
export function saver(form, { state, asks, words, elsewhere, files }) {
  const address = form.getAttribute("action");
  const pages = new BroadcastChannel(`ffp-draft ${address}`);
  const known = new Map(); // by name: what the node has, and what is on the page for it
  const asked = asking(asks, words, { keep, take: yieldTo });
  let timer = 0;
  let saving = Promise.resolve();

  const say = (text, failed) => {
    state.textContent = text;
    state.toggleAttribute("data-unsaved", failed);
  };
  const controls = () => controlsOf(form);
  const isChanged = (control) => valueOf(control) !== known.get(control.name).shown;

  /** Each field that was changed here, as [what stood there, what is to]; not those about which is asked. */
  function changes() {
    const changed = controls().filter((control) => isChanged(control) && !asked.has(control.name));
    return Object.fromEntries(changed.map((control) => [control.name, [known.get(control.name).there, valueOf(control)]]));
  }

  /** Lets the draft's other pages ask what the node has by now. */
  const tell = () => pages.postMessage("saved");
  const settled = () => !asked.size && !Object.keys(changes()).length;

  async function once(learning) {
    clearTimeout(timer);
    const sent = changes();
    if (!learning && !Object.keys(sent).length) return;
    if (!learning) say(words("Saving"), false);
    try {
      const body = JSON.stringify({ changes: sent });
      const headers = { "Content-Type": "application/json" };
      const ended = () => say(words("Ended"), true);
      const answer = await patiently(() => inSession(address, { method: "POST", headers, body }, ended));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const notes = page.querySelector("[data-saved]");
      if (notes) settle(sent, notes);
      else if (answer.status < 500) say(page.querySelector("main p")?.textContent ?? words("Refused"), true);
      else throw new Error(String(answer.status));
    } catch {
      if (settled()) return;
      say(words("Unsaved"), true);
      timer = setTimeout(now, AGAIN_MS);
    }
  }

  /** What the node has by now, and what of that was changed elsewhere. */
  function settle(sent, notes) {
    const fields = JSON.parse(notes.dataset.fields);
    const clashes = new Set(JSON.parse(notes.dataset.elsewhere));
    for (const control of controls()) {
      const { name } = control;
      const there = fields[name] ?? "";
      const isAsked = clashes.has(name) || asked.has(name);
      if (isAsked && valueOf(control) !== there) asked.about(control, there);
      else if (isAsked) agree(control, there);
      else if (name in sent) known.set(name, { there, shown: sent[name][1] });
      else if (there !== known.get(name).there && !isChanged(control)) take(control, there);
    }
    show(notes);
    files(JSON.parse(notes.dataset.files));
    say(asked.size ? words("Asked") : words("Saved", { time: notes.dataset.saved }), asked.size > 0);
    if (Object.keys(sent).length) tell();
  }

  function show(notes) {
    const told = new Map([...notes.querySelectorAll("[data-note]")].map((note) => [note.dataset.note, note]));
    for (const note of document.querySelectorAll("[data-note]")) {
      const said = told.get(note.dataset.note);
      const text = said?.textContent.trim() ?? "";
      if (note.textContent.trim() !== text) note.replaceChildren(...(text ? said.cloneNode(true).childNodes : []));
      note.toggleAttribute("data-warns", text !== "" && note.dataset.note !== "exhibit.calibre");
    }
  }

  function agree(control, there) {
    asked.close(control.name);
    known.set(control.name, { there, shown: there });
  }

  /** What is here is to stand in the place of what is there. */
  function keep(control, there) {
    known.set(control.name, { there, shown: null });
    now();
  }

  function take(control, there) {
    put(control, there);
    known.set(control.name, { there, shown: valueOf(control) });
    elsewhere(control);
  }

  function yieldTo(control, there) {
    take(control, there);
    now(true);
  }

  /** One at a time, so that the last typed is the last saved. */
  function now(learning = false) {
    saving = saving.then(() => once(learning === true));
    return saving;
  }

  /** Takes a card of the node into the form: what is on the page of its fields stays. Call it before `old` goes. */
  function adopt(card, old) {
    const before = new Map(old ? controlsOf(old).map((control) => [control.name, control]) : []);
    const said = JSON.parse(card.dataset.said);
    for (const control of controlsOf(card)) {
      const former = before.get(control.name);
      if (former && known.has(control.name)) put(control, valueOf(former));
      else known.set(control.name, { there: said[control.name] ?? "", shown: drawnIn(control) });
    }
  }

  function noted(event) {
    if (event.target.form !== form) return;
    const name = CSS.escape(event.target.name);
    document.querySelector(`[data-problem="${name}"]`)?.remove();
    event.target.removeAttribute("aria-invalid");
    asked.typed(event.target);
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  }

  const drawn = JSON.parse(form.elements.drawn.value);
  for (const control of controls()) known.set(control.name, { there: drawn[control.name] ?? "", shown: drawnIn(control) });
  document.addEventListener("input", noted);
  document.addEventListener("change", noted);
  window.addEventListener("online", now);
  pages.addEventListener("message", () => now(true));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now(true));
  window.addEventListener("beforeunload", (event) => {
    if (!settled()) event.preventDefault();
  });
  for (const note of document.querySelectorAll("[data-note]:not([data-note='exhibit.calibre'])")) {
    note.toggleAttribute("data-warns", note.textContent.trim() !== "");
  }
  now(); // what was typed before this script was here
  return { now, adopt, settled, tell };
}
