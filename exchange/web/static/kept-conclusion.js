// What is typed and chosen for a conclusion that is not signed yet: kept in this tab as the work on the stage is
// (kept-work.js), so that a key which leads to the next pair, a reload or an answer that signs nothing loses none of it.
//
//   data-typed="pair 7"      a part of the page in which this is concluded on; without a form in it, it was signed

import { KeptWork } from "./kept-work.js";

const NO_TEXT = ["hidden", "submit", "button", "reset", "fieldset"];
const TICKED = ["radio", "checkbox"];

const filled = (field) => (TICKED.includes(field.type) ? field.checked : field.value !== "");
const fieldsOf = (form) => [...form.elements].filter(({ name, type }) => name && !NO_TEXT.includes(type));
const saidIn = (form) => Object.fromEntries(fieldsOf(form).filter(filled).map(({ name, value }) => [name, value]));

function fill(form, said) {
  for (const field of fieldsOf(form).filter(({ name }) => name in said)) {
    if (TICKED.includes(field.type)) field.checked = field.value === said[field.name];
    else field.value = said[field.name];
  }
}

function keep(form, kept) {
  const store = () => {
    const said = saidIn(form);
    if (Object.keys(said).length) kept.write(said);
    else kept.forget();
  };
  if (fieldsOf(form).some(filled)) store(); // the node returned it, or the browser kept it
  else fill(form, kept.read()?.view ?? {});
  document.addEventListener("input", ({ target }) => target.form === form && store());
  form.dataset.conclude = "kept";
}

const { pseudonym } = document.querySelector("[data-session]").dataset;
for (const part of document.querySelectorAll("[data-typed]")) {
  const kept = new KeptWork(pseudonym, `typed ${part.dataset.typed}`);
  const form = part.querySelector("form[data-conclude]");
  if (form) keep(form, kept);
  else kept.forget();
}
