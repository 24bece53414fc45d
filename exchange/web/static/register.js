// The registration page: what is typed is saved as it is typed; files are sent piece by piece and go on after a break.

import { mend } from "./register/brush.js";
import { put } from "./register/controls.js";
import { Sending } from "./register/sending.js";
import { saver } from "./register/saving.js";
import { inSession } from "./session.js";
import { patiently } from "./viewer/patience.js";

const ALONGSIDE = 2; // files at a time: more would only share one line
const LONGEST_PRESS_MS = 1000;
const area = document.querySelector("[data-register]");
const form = document.querySelector("[data-form]");
const cards = area.querySelector("[data-files]");
const address = `/app/register/${area.dataset.draft}`;

const words = (name, values = {}) =>
  Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, () => value), area.dataset[`text${name}`]);

const asks = document.querySelector("[data-asks]");
const save = saver(form, {
  state: document.querySelector("[data-saved]"),
  asks,
  words,
  elsewhere: (control) => {
    const card = control.closest("[data-file][data-state=read]");
    if (card && control.hasAttribute("data-reread")) read(card.dataset.file, card);
  },
  files: (read) => {
    for (const card of cards.querySelectorAll("[data-file]")) {
      if (!(card.dataset.file in read)) forget(card.dataset.file); // removed on another page
    }
    for (const file of coming) if (!(file in read)) forget(file);
    for (const [file, isRead] of Object.entries(read)) {
      const here = document.getElementById(`file-${file}`)?.dataset.state ?? "absent";
      const isOwn = cards.querySelector(`[data-of="${file}"]`);
      if (isRead && !isOwn && ["absent", "arriving"].includes(here)) fetchCard(file);
    }
  },
});

const gone = new Set(); // an answer about one of these files may still be on its way
const coming = new Set(); // other pages sent these, and their cards are on their way
let released = Promise.resolve();

function forget(file) {
  gone.add(file);
  document.getElementById(`file-${file}`)?.remove();
}

/** Puts a card of the server in the place of another, with what was typed there, and the focus where it was. Under a
 * press it waits: the click would else be on neither card. */
async function show(markup, file, old) {
  await released;
  if (gone.has(file)) return;
  const held = document.createElement("template");
  held.innerHTML = markup.trim(); // the node's own page, escaped there; the policy lets no script in it run
  const card = held.content.firstElementChild;
  const focused = document.activeElement?.id;
  const opened = old?.querySelector("details")?.open;
  const known = old?.isConnected ? old : document.getElementById(card.id);
  save.adopt(card, known);
  if (known) known.replaceWith(card);
  else cards.append(card);
  if (opened) card.querySelector("details")?.setAttribute("open", "");
  if (focused && known) document.getElementById(focused)?.focus();
}

/** Of a file that another page of the draft sent. */
async function fetchCard(file) {
  coming.add(file);
  try {
    const answer = await inSession(`${address}/files/${file}`);
    if (answer.ok) await show(await answer.text(), file);
  } finally {
    coming.delete(file);
  }
}

async function read(file, old) {
  await save.now();
  const answer = await patiently(() => inSession(`${address}/files/${file}/read`, { method: "POST" }));
  if (answer.ok) await show(await answer.text(), file, old);
  return answer.ok || gone.has(file);
}

async function remove(file) {
  const answer = await patiently(() => inSession(`${address}/files/${file}/remove`, { method: "POST" }));
  if (answer.status === 404) {
    await save.now(true); // removed already: by an earlier press, or elsewhere; or the draft is gone, which that says
    return gone.has(file);
  }
  if (!answer.ok) return false;
  forget(file);
  save.tell();
  return true;
}

/** Says it when what somebody asked for was not done; returns whether it was. */
async function done(asking) {
  const say = (name) => {
    const state = document.querySelector("[data-saved]");
    state.textContent = words(name);
    state.toggleAttribute("data-unsaved", true);
    return false;
  };
  try {
    return (await asking) || say("Refused");
  } catch {
    return say("Unreached");
  }
}

const waiting = [];
let running = 0;

function next() {
  while (running < ALONGSIDE && waiting.length) {
    running += 1;
    waiting.shift().run().finally(() => {
      running -= 1;
      next();
    });
  }
}

function send(files) {
  for (const file of files) {
    const row = area.querySelector("[data-arriving]").content.firstElementChild.cloneNode(true);
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("progress").setAttribute("aria-label", file.name);
    cards.append(row);
    const sending = new Sending(file, row, { address, words, read, remove });
    row.querySelector("[data-cancel]").addEventListener("click", () => sending.cancel());
    row.querySelector("[data-again]").addEventListener("click", () => {
      waiting.push(sending);
      next();
    });
    sending.say("Waiting");
    waiting.push(sending);
  }
  next();
}

/** What would be lost with the page: files that are not here yet, strokes that were not saved. */
const onItsWay = () => cards.querySelector(".arriving:not([data-state=failed]), .brush[data-unsaved]");

const drop = area.querySelector("[data-drop]");
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.dataset.over = "";
});
drop.addEventListener("dragleave", () => delete drop.dataset.over);
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  delete drop.dataset.over;
  send([...event.dataTransfer.files]);
});
for (const kind of ["dragover", "drop"]) {
  // a file that misses the area would otherwise replace the page
  window.addEventListener(kind, (event) => event.preventDefault());
}
const pick = area.querySelector("[data-pick]");
pick.addEventListener("change", () => {
  send([...pick.files]);
  pick.value = "";
});

cards.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-remove], [data-read], [data-mend]");
  if (!button) return;
  event.preventDefault();
  const card = button.closest("[data-file]");
  if (button.hasAttribute("data-mend")) {
    button.hidden = true;
    const brush = area.querySelector("template[data-brush]").content.firstElementChild.cloneNode(true);
    card.append(brush);
    await mend(brush, { address: card.dataset.address, cells: JSON.parse(button.dataset.cells), words });
    await read(card.dataset.file, card);
    document.getElementById(card.id)?.querySelector("[data-mend]")?.focus();
    return;
  }
  const { file } = card.dataset;
  if (button.hasAttribute("data-read")) await done(read(file, card));
  else if (await done(remove(file))) pick.focus();
});
cards.addEventListener("pointerdown", () => {
  released = new Promise((resolve) => {
    window.addEventListener("pointerup", () => setTimeout(resolve), { once: true }); // the click comes after it
    setTimeout(resolve, LONGEST_PRESS_MS); // a list that opens keeps the release to itself
  });
});
cards.addEventListener("change", async (event) => {
  const card = event.target.closest("[data-file][data-state=read]");
  if (card && event.target.hasAttribute("data-reread")) await done(read(card.dataset.file, card));
});

form.addEventListener("submit", async (event) => {
  event.preventDefault(); // a form would send all of the draft
  if (event.submitter?.name === "fills") { // what the page proposes
    const filled = Object.entries(JSON.parse(event.submitter.value)).map(([name, value]) => [form.elements[name], value]);
    for (const [control, value] of filled) {
      put(control, value);
      control.dispatchEvent(new Event("input", { bubbles: true }));
    }
    filled[0][0].focus();
  }
  await save.now();
  if (!save.settled()) asks.querySelector("button")?.focus();
  else if (event.submitter?.value !== "summary") return;
  else if (onItsWay()) {
    document.querySelector("[data-saved]").textContent = words("Arriving");
    onItsWay().querySelector("[data-cancel], [data-done]").focus();
  } else location.assign(`${address}/summary`);
});

/** Ctrl+Enter goes on to what will be signed, from wherever one is. */
window.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[value=summary]"));
});

window.addEventListener("beforeunload", (event) => {
  if (onItsWay()) event.preventDefault();
});

// what was whole before the page was loaded, or came from an earlier version
for (const card of cards.querySelectorAll("[data-state=arrived]")) read(card.dataset.file, card);
document.getElementById("problems")?.focus();
area.dataset.state = "ready";
