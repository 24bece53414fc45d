// The fields of the form as text, as the node keeps them: a ticked box is its value, another one is empty.

const OTHERS = new Set(["hidden", "submit", "button", "file", "range"]);

/** Of a form also those that stand outside of it. */
export function controlsOf(part) {
  const found = part instanceof HTMLFormElement ? [...part.elements] : [...part.querySelectorAll("input, select")];
  return found.filter((control) => control.name && !OTHERS.has(control.type));
}

export function valueOf(control) {
  return control.type === "checkbox" && !control.checked ? "" : control.value;
}

/** What the node wrote into it, whatever somebody did since. */
export function drawnIn(control) {
  if (control.type === "checkbox") return control.defaultChecked ? control.value : "";
  if (control.type !== "select-one") return control.defaultValue;
  return ([...control.options].find((option) => option.defaultSelected) ?? control.options[0]).value;
}

export function put(control, value) {
  if (control.type === "checkbox") control.checked = value !== "";
  else control.value = value;
  if (control.selectedIndex === -1) control.selectedIndex = 0;
}

/** As it is read: the words of a choice. */
export function wordsOf(control, value) {
  const option = [...(control.options ?? [])].find((each) => each.value === value);
  return (option?.textContent ?? value).trim() || "–";
}
