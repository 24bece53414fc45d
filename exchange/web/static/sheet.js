// The sheet of a comparison for the paper file. Just before it is printed, what is on the stage is drawn on it, with what
// the person marked and wrote so far: at once, for a browser takes the page as it is when the event is over. Without this
// script the sheet has the node's own picture of the pair, or the facts alone.

import { inSession } from "./session.js";
import { layOver } from "./viewer/print.js";

const PIXELS = 2400; // across: 300 to the inch, and more than a display copy of a scan has
const FINEST = 4; // canvas pixels to a CSS pixel
const MOST_MARKS = 12;
const LONGEST_NOTES = 700;

const sheet = document.querySelector("[data-sheet]");
const viewer = document.querySelector("ffp-comparison");
const part = (name) => sheet.querySelector(`[data-sheet-${name}]`);

const two = (number) => String(number).padStart(2, "0");
const day = (year, month, date, hours, minutes) => `${year}-${two(month + 1)}-${two(date)} ${two(hours)}:${two(minutes)}`;

function tellWhen() {
  const at = new Date();
  const utc = day(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes());
  const local = day(at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes());
  const said = { moment: `${utc} UTC`, local };
  part("at").textContent = part("at").dataset.text.replace(/\{(\w+)\}/g, (whole, name) => said[name] ?? whole);
}

/** On a canvas of the page, so that it is there at once; a picture that is loaded would come too late. */
function drawOn(canvas, { parts, draw, ...told }) {
  draw(Math.min(FINEST, Math.max(1, PIXELS / parts.stage.clientWidth)));
  [canvas.width, canvas.height] = [parts.picture.width, parts.picture.height];
  layOver(canvas, parts);
  return { ...told, chart: told.chart.drawing() };
}

/** The stage with its words, its profile and its marks; nothing of it where nothing is drawn. */
function drawStage() {
  const canvas = part("canvas");
  const drawn = canvas && viewer?.still?.((stage) => drawOn(canvas, stage));
  if (canvas) {
    canvas.hidden = !drawn;
    part("nothing").hidden = Boolean(drawn);
  }
  part("words").textContent = drawn?.said ?? "";
  part("chart").replaceChildren(...[drawn?.chart].filter(Boolean));
  listMarks(drawn?.marks ?? []);
}

function listMarks(marks) {
  const listed = marks.slice(0, MOST_MARKS).map(({ kind, words }) => (words ? `${kind}: ${words}` : kind));
  const left = marks.length - listed.length;
  const rows = [...listed, ...(left ? [`… + ${left}`] : [])].map((words) => {
    const row = document.createElement("li");
    row.textContent = words;
    return row;
  });
  part("marks").hidden = !rows.length;
  part("marks").querySelector("ol").replaceChildren(...rows);
}

/** What is typed into the form of the conclusion, and not signed. */
function tellNotes() {
  const typed = document.querySelector("textarea[name=remark]")?.value.trim() ?? "";
  const notes = part("notes");
  notes.hidden = !typed;
  notes.querySelector("p").textContent = typed.length > LONGEST_NOTES ? `${typed.slice(0, LONGEST_NOTES)}…` : typed;
}

/** Where there is no WebGL, the node's picture stands on the sheet as it stands on the stage. */
function standIn() {
  const picture = viewer?.querySelector(".ffp-fallback");
  if (!picture || !part("canvas")) return;
  part("stage").replaceChildren(picture.cloneNode());
  part("stage").firstChild.removeAttribute("class");
}

function print() {
  tellWhen();
  drawStage();
  tellNotes();
  inSession(sheet.dataset.address, { method: "POST", keepalive: true }).catch(() => {}); // unreachable: it is on paper
}

if (sheet) { // a pair that is practised on has none
  standIn();
  viewer?.addEventListener("ffp-state", standIn);
  window.addEventListener("beforeprint", print);
  document.querySelector("[data-print]").addEventListener("click", () => window.print());
}
