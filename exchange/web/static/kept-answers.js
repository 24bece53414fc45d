// The form of an assessment: what is typed is kept in the file while one types. Without this script Save does it.
//
// The form is sent as Save sends it; the answer says what was not kept and why, what each place of the file holds now, and
// what follows from it. A place that another program changed meanwhile keeps its old mark, so that only Save overwrites it.

const form = document.querySelector("form[data-keeps]");
const REST_MS = 700; // of typing
const AGAIN_MS = 5000; // after the program did not answer

const said = form?.querySelector("[data-kept]");
let timer = null;
let sending = false;
let again = false;
let unsent = false;

function tell(text) {
  said.textContent = text;
}

/** Beside each field what was not kept, and what is doubtful in what was. */
function note({ faults, problems }) {
  const prefix = form.action.endsWith("/") ? "head" : null;
  for (const at of form.querySelectorAll("[data-fault]")) {
    const name = at.dataset.fault;
    const cut = name.lastIndexOf("-");
    const words = cut > 0 ? faults[name.slice(0, cut)]?.[name.slice(cut + 1)] : undefined;
    at.textContent = words ?? "";
    at.hidden = !words;
    for (const field of form.querySelectorAll(`[aria-describedby~="${at.id}"]`)) {
      if (words) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
  for (const at of form.querySelectorAll("[data-note]")) {
    const place = prefix ? at.dataset.note.replace(`${prefix}-`, "") : at.dataset.note;
    const words = (problems[place] ?? []).join(" ");
    at.textContent = words;
    at.hidden = !words;
  }
}

function mark({ marks }) {
  for (const field of form.querySelectorAll("[data-mark]")) field.value = marks[field.dataset.mark] ?? field.value;
}

/** What follows from the answers; what the person folded or opened stays so. */
function show(place, html) {
  const at = document.querySelector(place);
  const open = [...at.querySelectorAll("details")].map((one) => one.open);
  const here = at.querySelector("[aria-current]")?.getAttribute("href");
  at.innerHTML = html; // drawn by the program that drew this page
  for (const [number, one] of [...at.querySelectorAll("details")].entries()) one.open = open[number] ?? one.open;
  if (here) at.querySelector(`a[href="${here}"]`)?.setAttribute("aria-current", "page");
}

async function keep() {
  clearTimeout(timer);
  if (sending) {
    again = true;
    return;
  }
  sending = true;
  again = false;
  tell(said.dataset.keeping);
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
    const told = await answer.json();
    if (answer.ok) {
      note(told);
      mark(told);
      show("[data-beside]", told.beside);
      show("[data-areas]", told.areas);
      const time = new Date().toLocaleTimeString(document.documentElement.lang);
      tell(Object.keys(told.faults).length ? said.dataset.partly : said.dataset.said.replace("{time}", time));
    } else {
      tell(told.said);
    }
    unsent = again;
  } catch {
    tell(said.dataset.away);
    timer = setTimeout(keep, AGAIN_MS);
  }
  sending = false;
  if (again) keep();
}

function later() {
  unsent = true;
  clearTimeout(timer);
  timer = setTimeout(keep, REST_MS);
}

if (form) {
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    unsent = false;
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      keep();
    }
  });
  // a page that is left sends what was typed last
  window.addEventListener("pagehide", () => {
    if (!unsent) return;
    const body = new URLSearchParams(new FormData(form));
    fetch(form.action, { method: "POST", body, headers: { accept: "application/json" }, keepalive: true }).catch(() => {});
  });
  form.dataset.keeps = "ready";
}
