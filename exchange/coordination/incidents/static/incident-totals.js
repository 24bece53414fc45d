// The sheet of the incident annex: sums are kept while one types, and the number that was stated is held against them.

const form = document.querySelector("[data-sums]");
const fields = [...form.querySelectorAll("input[data-column]")];
const stated = form.querySelector("[data-stated]");
const differs = form.querySelector("[data-differs]");

const sum = (some) => some.reduce((all, field) => all + (/^\d+$/.test(field.value.trim()) ? Number(field.value) : 0), 0);

const tell = () => {
  for (const output of form.querySelectorAll("[data-row-sum]")) {
    output.value = sum([...output.closest("tr").querySelectorAll("input[data-column]")]);
  }
  for (const output of form.querySelectorAll("[data-column-sum]")) {
    output.value = sum(fields.filter((field) => field.dataset.column === output.dataset.columnSum));
  }
  const all = sum(fields);
  form.querySelector("[data-sum]").value = all;
  const is = stated.value.trim() !== "" && Number(stated.value) !== all;
  differs.hidden = !is;
  stated.classList.toggle("differs", is);
};

// the keys of a spreadsheet: up, down, and Enter to the next line
form.addEventListener("keydown", (event) => {
  const at = fields.indexOf(event.target);
  const step = { ArrowUp: -1, ArrowDown: 1, Enter: 1 }[event.key];
  if (at < 0 || step === undefined) return;
  const column = fields.filter((field) => field.dataset.column === event.target.dataset.column);
  const next = column[column.indexOf(event.target) + step];
  event.preventDefault();
  (next ?? event.target).focus();
  (next ?? event.target).select();
});
form.addEventListener("input", tell);
tell();
