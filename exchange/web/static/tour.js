// The tour of a home: its steps one after the other, each with the part of the page that it is about lit. Escape leaves it.
// Without this script the same steps stand as a list above the page.

const GAP = 4; // CSS pixels around what is lit
const CARD_EDGE = 16; // as the style has it, or less in a low window
const ABOVE = 72; // what is lit is brought so far below the window's edge

const tour = document.querySelector("[data-tour]");
const [ring, card] = [".tour-ring", ".tour-card"].map((part) => tour.querySelector(part));
const steps = [...tour.querySelectorAll("[data-step]")];
const [next, end, back, leave] = ["next", "end", "back", "leave"].map((name) => tour.querySelector(`[data-tour-${name}]`));
let at = 0;

/** Of what a step is about, the first that is there to be seen: on a narrow screen the groups are behind a button. */
const told = () => [...document.querySelectorAll(steps[at].dataset.step)].find((part) => part.checkVisibility());

/** The ring lies around it, and the card where it leaves more of it to be seen. */
function place() {
  const part = told();
  ring.hidden = !part;
  if (!part) return;
  const { left, top, width, height } = part.getBoundingClientRect();
  const box = { left: left - GAP, top: top - GAP, width: width + 2 * GAP, height: height + 2 * GAP };
  for (const [name, value] of Object.entries(box)) ring.style[name] = `${value}px`;
  const room = card.offsetHeight + 2 * CARD_EDGE;
  const bottom = Math.min(top + height, window.innerHeight);
  const [seenAbove, seenBelow] = [bottom - Math.max(top, room), Math.min(bottom, window.innerHeight - room) - top];
  tour.dataset.card = seenAbove > seenBelow ? "above" : "below";
}

/** Brings what is told of into the window. */
function bring() {
  const part = told();
  if (part) window.scrollBy({ top: part.getBoundingClientRect().top - ABOVE, behavior: "instant" });
  place();
}

function show(step) {
  at = step;
  const last = at === steps.length - 1;
  steps.forEach((one, number) => { one.hidden = number !== at; });
  back.hidden = at === 0;
  next.hidden = last;
  leave.hidden = last;
  end.hidden = !last;
  bring();
  if (!tour.contains(document.activeElement) || document.activeElement.hidden) (last ? end : next).focus();
}

next.addEventListener("click", () => show(at + 1));
back.addEventListener("click", () => show(at - 1));
for (const button of [leave, end]) button.addEventListener("click", () => tour.close());
tour.addEventListener("close", () => history.replaceState(null, "", location.pathname)); // loaded again, it stays closed
window.addEventListener("resize", bring);
window.addEventListener("scroll", place);

tour.showModal(); // which brings the focus in, and gives it back
show(0);
