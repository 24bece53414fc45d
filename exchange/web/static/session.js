// The session of a page. It may end while somebody types: what is on the page then stays there, and the page goes on when
// the same person is signed in again, in any tab of this browser. Only work on a pair is kept elsewhere (kept-work.js), until
// the sign-out; another person who signs in is shown nothing of either.

import { forgetKept } from "./kept-work.js";

const notice = document.querySelector("[data-session]");
const main = document.querySelector("main");
const pages = new BroadcastChannel("ffp-session");
const TWICE_MS = 1000; // a hand in a hurry presses twice, and means once
const FRESH_MS = 60_000; // a session hardly ends while a page is so young: then a longer text alone is worth a question
const NO_INPUT = ["hidden", "submit", "button", "reset", "fieldset"];
const sent = new WeakMap(); // by form: when it went
const { pseudonym } = notice.dataset;
let state = "going"; // or "ended", or "other": somebody else is signed in
let goOn = null;
let again = Promise.resolve();

function become(next) {
  if (next === "other") forgetKept();
  if (state === "going" && next !== "going") again = new Promise((resolve) => { goOn = resolve; });
  if (state !== "going" && next === "going") goOn();
  state = next;
  notice.hidden = state === "going";
  main.hidden = state === "other";
  for (const part of notice.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== state;
}

function renew(csrf) {
  for (const part of document.querySelectorAll("[data-csrf]")) part.dataset.csrf = csrf;
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = csrf;
}

/** Asks the node whose session this is by now; rejects when it cannot be reached. */
async function look() {
  const answer = await fetch("/app/session", { headers: { Accept: "application/json" } });
  if (answer.status === 401) return become("ended");
  if (!answer.ok) throw new Error(String(answer.status));
  const found = await answer.json();
  if (found.pseudonym !== pseudonym) return become("other");
  renew(found.csrf);
  return become("going");
}

/** As `fetch`, in this session. When it has ended, it is sent when the same person is signed in again; `told` is then
 * called before that. */
export async function inSession(address, options = {}, told = () => {}) {
  for (;;) {
    const { csrf } = notice.dataset;
    const answer = await fetch(address, { ...options, headers: { ...options.headers, "X-CSRF": csrf } });
    if (answer.status === 401) become("ended");
    else if (answer.status === 403) await look();
    if (state === "going" && (answer.status !== 403 || notice.dataset.csrf === csrf)) return answer;
    if (state !== "going") told();
    await again;
  }
}

function lookAgain() {
  if (state !== "going" && document.visibilityState === "visible") look().catch(() => {}); // unreachable: as before
}

/** What was typed or chosen in a form is not sent into the sign-in, where it would be lost. */
async function guard(event) {
  const { target: form, submitter } = event;
  const asks = performance.now() < FRESH_MS
    ? form.querySelector("textarea") !== null
    : [...form.elements].some(({ type }) => !NO_INPUT.includes(type));
  if (event.defaultPrevented || form.method !== "post" || !form.elements.csrf || !asks) return;
  event.preventDefault();
  if ("asking" in form.dataset) return;
  form.dataset.asking = "";
  await look().catch(() => {}); // unreachable: the browser says so, and keeps the form
  if (state === "going") {
    document.removeEventListener("submit", guard);
    form.requestSubmit(submitter);
    document.addEventListener("submit", guard);
  }
  delete form.dataset.asking;
}

/** A form that was just sent is not sent again: else a node that is slow to answer does it twice. */
function once(event) {
  const { target: form } = event;
  if (event.defaultPrevented || form.method !== "post") return;
  if (performance.now() - (sent.get(form) ?? -Infinity) < TWICE_MS) event.preventDefault();
  else sent.set(form, performance.now());
}

/** Whoever signs out leaves nothing, in no tab of theirs. */
function leave({ target: form }) {
  if (new URL(form.action).pathname !== "/app/sign-out") return;
  forgetKept();
  pages.postMessage(null);
}

forgetKept(pseudonym); // what others left in this tab
pages.addEventListener("message", ({ data }) => {
  if (data === null) forgetKept();
  if (state !== "going" || data !== pseudonym) look().catch(() => {}); // unreachable: nobody sees anything new
});
pages.postMessage(pseudonym);
document.addEventListener("visibilitychange", lookAgain);
window.addEventListener("focus", lookAgain);
document.addEventListener("submit", guard);
window.addEventListener("submit", once); // after whoever else had a say in it
document.addEventListener("submit", leave);
