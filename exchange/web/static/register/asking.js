// Asks which of two texts is to stand, where two pages changed one field of a draft.

import { valueOf, wordsOf } from "./controls.js";

/** In `panel`, drawn from the template in it. `keep` and `take` are called with the control and what is there. */
export function asking(panel, words, { keep, take }) {
  const open = new Map(); // by name: the question
  const drawn = panel.querySelector("template").content.firstElementChild;

  function labelOf(control) {
    const card = control.closest("[data-file]");
    const label = control.labels[0].textContent.trim();
    return card ? `${card.getAttribute("aria-label")}, ${label}` : label;
  }

  function close(name) {
    open.get(name)?.question.remove();
    open.delete(name);
    panel.hidden = open.size === 0;
  }

  function about(control, there) {
    const known = open.get(control.name);
    if (known?.there !== there) {
      close(control.name);
      ask(control, there);
    } else mine(known.question, control);
  }

  function mine(question, control) {
    question.querySelector("[data-keep]").textContent = words("Keep", { value: wordsOf(control, valueOf(control)) });
  }

  function ask(control, there) {
    const question = drawn.cloneNode(true);
    question.querySelector("[data-which]").textContent = words("Which", { field: labelOf(control) });
    question.querySelector("[data-take]").textContent = words("Take", { value: wordsOf(control, there) });
    mine(question, control);
    for (const [name, act] of Object.entries({ keep, take })) {
      question.querySelector(`[data-${name}]`).addEventListener("click", () => {
        close(control.name);
        const current = document.getElementById(control.id) ?? control; // its card may have been drawn anew
        act(current, there);
        current.focus();
      });
    }
    open.set(control.name, { question, there });
    panel.append(question);
    panel.hidden = false;
  }

  return {
    about,
    close,
    has: (name) => open.has(name),
    /** Something was typed into a field about which it is asked. */
    typed: (control) => open.has(control.name) && about(control, open.get(control.name).there),
    get size() { return open.size; },
  };
}
