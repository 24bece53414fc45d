// Saves a form a moment after something was typed, and shows the notes that come back beside their fields.

const PAUSE_MS = 700;
const AGAIN_MS = 4000;

/** `state` is where it is said when it was saved. Returns {now}, which resolves when what is typed is on the server. */
export function saver(form, headers, { state, words }) {
  let timer = 0;
  let saving = Promise.resolve();
  let typed = false;

  const say = (text, failed) => {
    state.textContent = text;
    state.toggleAttribute("data-unsaved", failed);
  };

  async function once() {
    clearTimeout(timer);
    if (!typed) return;
    typed = false;
    say(words("Saving"), false);
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.getAttribute("action"), { method: "POST", headers, body });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.text());
    } catch {
      typed = true;
      say(words("Unsaved"), true);
      timer = setTimeout(now, AGAIN_MS);
    }
  }

  function show(markup) {
    const notes = new DOMParser().parseFromString(markup, "text/html").querySelector("[data-saved]");
    if (!notes) throw new Error("signed-out");
    const told = new Map([...notes.querySelectorAll("[data-note]")].map((note) => [note.dataset.note, note.textContent]));
    for (const note of document.querySelectorAll("[data-note]")) {
      const text = (told.get(note.dataset.note) ?? "").trim();
      if (note.textContent.trim() !== text) note.textContent = text;
      note.toggleAttribute("data-warns", text !== "" && note.dataset.note !== "exhibit.calibre");
    }
    say(words("Saved", { time: notes.dataset.saved }), false);
  }

  /** One at a time, so that the last typed is the last saved. */
  function now() {
    saving = saving.then(once);
    return saving;
  }

  function noted(event) {
    if (event.target.form !== form) return;
    typed = true;
    const name = CSS.escape(event.target.name);
    document.querySelector(`[data-problem="${name}"]`)?.remove();
    event.target.removeAttribute("aria-invalid");
    clearTimeout(timer);
    timer = setTimeout(now, PAUSE_MS);
  }

  document.addEventListener("input", noted);
  document.addEventListener("change", noted);
  window.addEventListener("online", now);
  for (const note of document.querySelectorAll("[data-note]:not([data-note='exhibit.calibre'])")) {
    note.toggleAttribute("data-warns", note.textContent.trim() !== "");
  }
  return { now };
}
