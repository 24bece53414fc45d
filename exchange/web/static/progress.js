// While scans of a record that one submitted are correlated: the bar moves, and the page is loaded anew at the end.

const EVERY_MS = 1500;
const shown = document.querySelector("[data-progress]");

async function look() {
  try {
    const answer = await fetch(shown.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const told = await answer.json();
      shown.querySelector("progress").value = told.done;
      if (told.done >= told.all) {
        location.reload();
        return;
      }
    }
  } catch {
    // the node cannot be reached just now: what is shown stays true until it can
  }
  setTimeout(look, EVERY_MS);
}

if (shown) setTimeout(look, EVERY_MS);
