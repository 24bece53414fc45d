// What is done with the chosen lines of a list waits until one is chosen. Without this script the node says so.

const buttons = [...document.querySelectorAll("button[form][value=chosen]")];

function show() {
  for (const button of buttons) {
    button.disabled = ![...button.form.elements].some(({ type, checked }) => type === "checkbox" && checked);
  }
}

document.addEventListener("change", show);
window.addEventListener("pageshow", show); // a browser that comes back to a page may have kept what was ticked
show();
