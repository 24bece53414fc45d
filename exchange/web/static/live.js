// What is new while a page is open. The node says only that something is; this page then asks again, with the rights of
// whoever is signed in, and nothing that somebody works on is ever taken away under their hands.
//
//   data-live-count="alerts"     a link with a number in an element .count, which comes and goes
//   data-live="alerts"           a part of this page, asked for anew when there are new alerts
//   data-live="record"           the same when a scan of the record data-record was compared: data-pending said how many
//                                were still to be when the page was made
//   data-live="lights"           a part that could not be known at one look, while it has data-again="yes": asked for anew by
//                                itself, a few times
//   data-live-picture="ID/0"     stands where a picture will be: data-src has its address, data-side its size
//
// A line (server-sent events) is held by the window that is looked at. Where it is refused or cut for good, the same is
// asked for now and then.

const ASIDE_MS = 3000; // between two times that a part of the page is asked for
const SOON_MS = 300; // what comes at once is asked for at once
const SPREAD_MS = 10_000; // all pages of a process that was replaced come at once: they need not all ask at once
const POLL_MS = 20_000;
const POLLS = 15; // then a line is tried again
const LOOK_AGAIN_MS = 1000; // the node needs half a second between two looks
const MOST_LOOKS = 5;
const MOST_RECORDS = 64;
const WATCHING = "[data-live]:not([data-live=lights]), [data-live-count], [data-live-picture]";
const OWN = { "X-Live": "1" }; // nobody is there because of this

let line = null;
let timer = null;
let polls = 0;
const known = new Map(); // of each process that serves: the number of the alerts that it told this page last
let over = false;
const due = new Set(); // kinds of parts that are to be asked for anew
const held = new Set(); // the same, once nobody is at them any more
let asking = null;

function awaited() {
  const names = new Set();
  for (const part of document.querySelectorAll("[data-live-picture]")) names.add(part.dataset.livePicture.split("/")[0]);
  for (const part of document.querySelectorAll("[data-live=record]")) {
    if (part.dataset.pending !== "0") names.add(part.dataset.record);
  }
  return [...names].slice(0, MOST_RECORDS);
}

const address = () => `/app/events?${new URLSearchParams(awaited().map((name) => ["record", name]))}`;

// Whoever asks now and then is answered by one process after another, each of which counts for itself: the number of one
// that has not answered yet may hide what came meanwhile, that of one which told the same before is no news.
function onAlerts(told) {
  const [process, number] = told.split("-");
  const news = known.size > 0 && known.get(process) !== number;
  const later = known.has(process) ? 0 : Math.random() * SPREAD_MS;
  known.set(process, number);
  if (!news) return;
  setTimeout(() => {
    showCount();
    askFor("alerts");
  }, later);
}

function onRecord({ record, pending, shown }) {
  for (const place of document.querySelectorAll(`[data-live-picture^="${CSS.escape(record)}/"]`)) {
    if (shown.includes(Number(place.dataset.livePicture.split("/")[1]))) place.replaceWith(pictureFor(place));
  }
  for (const part of document.querySelectorAll(`[data-live=record][data-record="${CSS.escape(record)}"]`)) {
    if (part.dataset.pending !== String(pending)) askFor("record");
  }
}

function pictureFor(place) {
  const image = document.createElement("img");
  image.className = place.className;
  image.classList.remove("none");
  image.width = image.height = Number(place.dataset.side);
  image.decoding = "async";
  image.alt = place.title;
  image.src = place.dataset.src;
  return image;
}

async function showCount() {
  const parts = document.querySelectorAll("[data-live-count=alerts]");
  if (!parts.length) return;
  const answer = await fetch("/app/events/alerts", { headers: { ...OWN, Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { count } = await answer.json();
  for (const part of parts) {
    let shown = part.querySelector(".count");
    if (count === null) shown?.remove();
    else {
      if (!shown) {
        shown = document.createElement("b");
        shown.className = "count";
        part.append(" ", shown);
      }
      shown.textContent = count;
    }
  }
}

function askFor(kind) {
  if (!document.querySelector(`[data-live=${kind}]`)) return;
  due.add(kind);
  asking ??= setTimeout(askAgain, SOON_MS);
}

async function askAgain() {
  const kinds = [...due];
  due.clear();
  try {
    const headers = { ...OWN, Accept: "text/html" };
    const answer = await fetch(location.pathname + location.search, { headers, redirect: "error" });
    if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const kind of kinds) renew(kind, fresh);
    }
  } catch {
    // the node cannot be reached just now, or the session is over: what is shown stays
  }
  asking = setTimeout(() => {
    asking = null;
    if (due.size) askFor([...due][0]);
  }, ASIDE_MS);
}

function renew(kind, fresh) {
  const parts = [...document.querySelectorAll(`[data-live=${kind}]`)];
  const found = [...fresh.querySelectorAll(`[data-live=${kind}]`)];
  parts.forEach((part, place) => {
    const newer = part.id ? fresh.getElementById(part.id) : found[place];
    if (newer?.isEqualNode(part)) return;
    if (inHand(part)) held.add(kind);
    else swap(part, newer);
  });
}

/** Within the element that stands there, so that what listens to it, or reads it aloud, still does. */
function swap(part, newer) {
  const open = [...part.querySelectorAll("details")].map((one) => one.open);
  if (newer) {
    for (const script of newer.querySelectorAll("script")) script.remove();
    part.replaceChildren(...[...newer.childNodes].map((node) => document.importNode(node, true)));
    for (const { name, value } of newer.attributes) if (name.startsWith("data-")) part.setAttribute(name, value);
    part.querySelectorAll("details").forEach((one, place) => { if (place < open.length) one.open = open[place]; });
  } else {
    part.replaceChildren();
    part.dataset.pending = "0";
    part.hidden = true;
  }
}

/** Whether somebody is at it: it has the focus, something of it is selected, or it holds what was typed. */
function inHand(part) {
  const selected = document.getSelection();
  if (part.contains(document.activeElement)) return true;
  if (selected && !selected.isCollapsed && selected.containsNode(part, true)) return true;
  return [...part.querySelectorAll("input, textarea, select")].some((field) => {
    if (field instanceof HTMLSelectElement) {
      return field.selectedIndex > 0 && [...field.options].some((one) => one.selected !== one.defaultSelected);
    }
    if (["checkbox", "radio"].includes(field.type)) return field.checked !== field.defaultChecked;
    return field.type !== "hidden" && field.value !== field.defaultValue;
  });
}

function lookAgain(looks = 0) {
  if (looks === MOST_LOOKS || !document.querySelector("[data-live=lights][data-again=yes]")) return;
  setTimeout(() => {
    askFor("lights");
    lookAgain(looks + 1);
  }, looks ? ASIDE_MS : LOOK_AGAIN_MS);
}

function listen() {
  if (over || line || document.visibilityState !== "visible" || !document.querySelector(WATCHING)) return;
  clearTimeout(timer);
  line = new EventSource(address());
  line.addEventListener("alerts", ({ data }) => onAlerts(data));
  line.addEventListener("record", ({ data }) => onRecord(JSON.parse(data)));
  line.addEventListener("end", () => { over = true; rest(); });
  line.addEventListener("error", () => {
    if (line?.readyState !== EventSource.CLOSED) return; // it comes again by itself
    rest();
    polls = 0;
    timer = setTimeout(poll, POLL_MS * (0.75 + Math.random() / 2));
  });
}

function rest() {
  line?.close();
  line = null;
  clearTimeout(timer);
}

async function poll() {
  try {
    const answer = await fetch(address(), { headers: { ...OWN, Accept: "application/json" } });
    if (answer.status === 401) {
      over = true;
      return;
    }
    if (answer.ok) {
      const { alerts, records } = await answer.json();
      onAlerts(alerts);
      records.forEach(onRecord);
    }
  } catch {
    // the node cannot be reached just now
  }
  polls += 1;
  if (polls >= POLLS) listen();
  else if (document.visibilityState === "visible") timer = setTimeout(poll, POLL_MS * (0.75 + Math.random() / 2));
}

document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? listen() : rest()));
document.addEventListener("focusout", () => {
  const kinds = [...held];
  held.clear();
  for (const kind of kinds) askFor(kind);
});
window.addEventListener("pagehide", rest);
window.addEventListener("pageshow", ({ persisted }) => { if (persisted) listen(); });
listen();
lookAgain();
