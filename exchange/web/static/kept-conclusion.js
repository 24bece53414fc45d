// What is typed and chosen for something that is not signed yet, a conclusion or a step of a hit: kept in this tab as the
// work on the stage is (kept-work.js), so that a key which leads to the next pair, a reload, a page that is left or an
// answer that signs nothing loses none of it.
//
//   data-typed="pair 7"      a part of the page in which this is typed, or a form; without a form in it, it was signed
//   data-since="3"           of a form that stays on the page when it was signed: how much this side has signed so far

import { KeptWork } from "./kept-work.js";

const NO_TEXT = ["hidden", "submit", "button", "reset", "fieldset"];
const TICKED = ["radio", "checkbox"];
const SENT = " sent"; // no field is called so

const filled = (field) => (TICKED.includes(field.type) ? field.checked : field.value !== "");

/** Whether a field says otherwise than the page did: days and places are proposed by the page. */
function touched(field) {
  if (TICKED.includes(field.type)) return field.checked !== field.defaultChecked;
  if (field.type !== "select-one") return field.value !== field.defaultValue;
  const begun = Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  return field.selectedIndex !== begun;
}

const { pseudonym } = document.querySelector("[data-session]").dataset;
const formOf = (part) => (part.matches("form") ? part : part.querySelector("form[data-conclude]"));
const keptOf = (part) => new KeptWork(pseudonym, `typed ${part.dataset.typed}`);
const fieldsOf = (form) => [...form.elements].filter(({ name, type }) => name && !NO_TEXT.includes(type));
const isSaid = (form) => (form.dataset.since === undefined ? filled : touched);
const saidIn = (form) => Object.fromEntries(fieldsOf(form).filter(isSaid(form)).map(({ name, value }) => [name, value]));

function fill(form, said) {
  for (const field of fieldsOf(form).filter(({ name }) => name in said)) {
    if (TICKED.includes(field.type)) field.checked = field.value === said[field.name];
    else field.value = said[field.name];
  }
  if (Object.keys(said).length) form.closest("details")?.setAttribute("open", "");
}

function store(part, sent = {}) {
  const said = saidIn(formOf(part));
  if (Object.keys(said).length) keptOf(part).write({ ...said, ...sent });
  else keptOf(part).forget();
}

function begin(part) {
  const form = formOf(part);
  const kept = keptOf(part);
  if (!form) {
    kept.forget();
    return;
  }
  const { [SENT]: sent, ...said } = kept.read()?.view ?? {};
  if (sent !== undefined && sent !== form.dataset.since) kept.forget(); // it was signed
  else if (fieldsOf(form).some(isSaid(form))) store(part); // the node returned it, or the browser kept it
  else fill(form, said);
  form.dataset.conclude = "kept";
}

/** The part that something is typed in. What the page fetched anew by itself is such a part too. */
function partOf(form) {
  const part = form?.closest?.("[data-typed]");
  return part && formOf(part) === form ? part : null;
}

document.addEventListener("input", ({ target }) => {
  const part = partOf(target.form);
  if (part) store(part);
});
document.addEventListener("submit", ({ target }) => {
  const part = partOf(target);
  if (part && target.dataset.since !== undefined) store(part, { [SENT]: target.dataset.since });
});
for (const part of document.querySelectorAll("[data-typed]")) begin(part);
