// The brush that mends the region of a scan: a canvas over the preview, painted by pointer, touch or keys, saved at once.

import { inSession } from "../session.js";
import { Region } from "./region.js";
import { zooming } from "./zoom.js";

const SIDE = 820; // of the canvas, its longer one, in pixels: that of the previews
const AGAIN_MS = 4000;
const FAR = 8; // cells that an arrow key moves with Shift
const LEFT_OUT = [226, 120, 76, 107]; // red, green, blue, opacity, of 255
const EDGE = "#5edcac";
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const ERASER = 32; // of a pen, in a pointer event's buttons

/** Lets a region be mended in `panel` until that is done; resolves when all of it is saved. */
export async function mend(panel, { address, cells, words }) {
  const region = new Region(cells);
  const canvas = panel.querySelector("canvas");
  const drawn = canvas.getContext("2d");
  const find = (name) => panel.querySelector(`[data-${name}]`);
  const size = find("size");
  const cursor = { row: Math.floor(region.rows / 2), column: Math.floor(region.columns / 2), shown: false };
  let adding = true;
  let held = false;
  let last = null;

  const picture = new Image();
  picture.src = `${address}/preview?plain=true`;
  await picture.decode();
  const scale = SIDE / Math.max(picture.naturalWidth, picture.naturalHeight);
  canvas.width = Math.round(picture.naturalWidth * scale);
  canvas.height = Math.round(picture.naturalHeight * scale);
  const [wide, high] = [canvas.width / region.columns, canvas.height / region.rows];

  const zoom = zooming(find("view"), canvas);
  const begun = region.bits;

  const small = new OffscreenCanvas(region.columns, region.rows);
  const tinted = new ImageData(region.columns, region.rows);
  const number = (value) => value.toLocaleString(document.documentElement.lang);
  const saver = saving(address, region, cells.marked || cells.found, { tell: () => tell(), ask });

  const inWords = ({ count, cells }) => words("Cells", { set: number(count), all: number(cells.length) });

  /** Another page marked it too: which is to stand. */
  function ask(there) {
    const theirs = new Region({ ...cells, marked: there || cells.found });
    const name = panel.closest("[data-file]").getAttribute("aria-label");
    find("which").textContent = words("Which", { field: `${name}, ${panel.getAttribute("aria-label")}` });
    find("keep").textContent = words("Keep", { value: inWords(region) });
    find("take-theirs").textContent = words("Take", { value: inWords(theirs) });
    find("clash").hidden = false;
    find("keep").focus();
  }

  function answered() {
    find("clash").hidden = true;
    canvas.focus();
  }

  function tell(place = "") {
    const set = region.count;
    const said = set ? inWords(region) : words("Empty");
    find("told").textContent = [place, said, saver.failed() ? words("Unsaved") : ""].join(" ").trim();
    panel.toggleAttribute("data-unsaved", saver.unsaved());
    find("undo").disabled = !region.canUndo;
    find("redo").disabled = !region.canRedo;
    find("add").setAttribute("aria-pressed", String(adding));
    find("take").setAttribute("aria-pressed", String(!adding));
  }

  function tint() {
    region.cells.forEach((inside, place) => tinted.data.set(inside ? [0, 0, 0, 0] : LEFT_OUT, 4 * place));
    small.getContext("2d").putImageData(tinted, 0, 0);
    drawn.imageSmoothingEnabled = false;
    drawn.drawImage(small, 0, 0, canvas.width, canvas.height);
    drawn.imageSmoothingEnabled = true;
  }

  function draw() {
    drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
    tint();
    const edges = new Path2D();
    for (let row = 0; row < region.rows; row++) {
      for (let column = 0; column < region.columns; column++) {
        if (!region.has(row, column)) continue;
        const [x, y] = [column * wide, row * high];
        if (row === 0 || !region.has(row - 1, column)) line(edges, x, y, x + wide, y);
        if (row === region.rows - 1 || !region.has(row + 1, column)) line(edges, x, y + high, x + wide, y + high);
        if (column === 0 || !region.has(row, column - 1)) line(edges, x, y, x, y + high);
        if (column === region.columns - 1 || !region.has(row, column + 1)) line(edges, x + wide, y, x + wide, y + high);
      }
    }
    drawn.strokeStyle = EDGE;
    drawn.lineWidth = 2;
    drawn.stroke(edges);
    if (cursor.shown) outline();
  }

  /** Light within dark: seen on whatever lies under it. */
  function outline() {
    const reach = Number(size.value) / 2;
    const ring = new Path2D();
    ring.ellipse((cursor.column + 0.5) * wide, (cursor.row + 0.5) * high, reach * wide, reach * high, 0, 0, 2 * Math.PI);
    for (const [width, colour] of [[5, "#000000"], [2, "#ffffff"]]) {
      drawn.lineWidth = width;
      drawn.strokeStyle = colour;
      drawn.stroke(ring);
    }
  }

  function changed(did) {
    if (did) saver.save();
    draw();
    tell();
  }

  /** Paints from where the stroke was to a place, without gaps. */
  function strokeTo(row, column, inside) {
    const from = last ?? { row, column };
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(row - from.row, column - from.column)));
    for (let step = 1; step <= steps; step++) {
      const share = step / steps;
      const [y, x] = [from.row + share * (row - from.row), from.column + share * (column - from.column)];
      region.paint(y, x, Number(size.value), inside);
    }
    last = { row, column };
  }

  function placed(event) {
    const box = canvas.getBoundingClientRect();
    cursor.column = ((event.clientX - box.left) / box.width) * region.columns - 0.5;
    cursor.row = ((event.clientY - box.top) / box.height) * region.rows - 0.5;
    cursor.shown = true;
  }

  function lift() {
    held = false;
    last = null;
    changed(region.end());
  }

  /** Of a second finger: what the first began is no stroke. */
  function drop() {
    last = null;
    if (region.end()) region.undo();
    draw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return last && drop();
    if ((event.button !== 0 && !(event.buttons & ERASER))) return;
    canvas.setPointerCapture(event.pointerId);
    placed(event);
    region.begin();
    strokeTo(cursor.row, cursor.column, adding && !(event.buttons & ERASER));
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.isPrimary) return;
    placed(event);
    if (last) strokeTo(cursor.row, cursor.column, adding && !(event.buttons & ERASER));
    draw();
  });
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => {
    cursor.shown = document.activeElement === canvas;
    draw();
  });

  function move(down, right) {
    cursor.row = Math.min(region.rows - 1, Math.max(0, Math.round(cursor.row) + down));
    cursor.column = Math.min(region.columns - 1, Math.max(0, Math.round(cursor.column) + right));
    if (held) strokeTo(cursor.row, cursor.column, adding);
    draw();
    zoom.show((cursor.column + 0.5) / region.columns, (cursor.row + 0.5) / region.rows);
    const place = { row: number(cursor.row + 1), column: number(cursor.column + 1) };
    tell(words(region.has(cursor.row, cursor.column) ? "Inside" : "Outside", place));
  }

  function resize(by) {
    size.stepUp(by);
    draw();
  }

  function press() {
    if (last) return;
    region.begin();
    held = true;
    move(0, 0); // onto a cell, wherever the pointer left it
  }

  canvas.addEventListener("keydown", (event) => {
    cursor.shown = true;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key === "z" && !last) changed(event.shiftKey ? region.redo() : region.undo());
      else if (key === "y" && !last) changed(region.redo());
      else return;
    } else if (ARROWS[event.key]) {
      const reach = event.shiftKey ? FAR : 1;
      move(...ARROWS[event.key].map((step) => step * reach));
    } else if (key === " ") press();
    else if (key === "x") choose(!adding);
    else if (key === "[") resize(-1);
    else if (key === "]") resize(1);
    else if (key === "+" || key === "=") zoom.by(1);
    else if (key === "-") zoom.by(-1);
    else if (key === "0") zoom.whole();
    else if (key === "escape") find("leave").click();
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("keyup", (event) => {
    if (event.key === " " && held) lift();
  });
  canvas.addEventListener("focus", () => {
    cursor.shown = true;
    draw();
  });
  canvas.addEventListener("blur", () => {
    cursor.shown = false;
    if (held) lift();
    else draw();
  });

  function choose(add) {
    adding = add;
    tell();
  }

  find("add").addEventListener("click", () => choose(true));
  find("take").addEventListener("click", () => choose(false));
  find("keep").addEventListener("click", () => {
    saver.knows();
    saver.save();
    answered();
  });
  find("take-theirs").addEventListener("click", () => {
    region.take(saver.knows());
    changed(false);
    answered();
  });
  find("undo").addEventListener("click", () => changed(region.undo()));
  find("redo").addEventListener("click", () => changed(region.redo()));
  find("found").addEventListener("click", () => changed(region.backToFound()));
  size.addEventListener("input", draw);
  find("nearer").addEventListener("click", () => zoom.by(1));
  find("farther").addEventListener("click", () => zoom.by(-1));
  find("whole").addEventListener("click", () => zoom.whole());

  draw();
  tell();
  canvas.focus();
  panel.dataset.state = "ready";
  await new Promise((resolve) => {
    async function end() {
      await saver.save();
      if (!saver.failed() && !saver.asks()) resolve();
      else if (saver.asks()) find("keep").focus();
    }
    find("done").addEventListener("click", end);
    find("leave").addEventListener("click", () => {
      if (region.bits !== begun) changed(region.take(begun));
      end();
    });
  });
}

function line(path, fromX, fromY, toX, toY) {
  path.moveTo(fromX, fromY);
  path.lineTo(toX, toY);
}

/** Saves a region as it is then, one after the other; what fails is tried again. `kept` is what the node has. `tell` is
 * called after each try, `ask` with what another page marked meanwhile; nothing is saved before `knows`. */
function saving(address, region, kept, { tell, ask }) {
  let queue = Promise.resolve();
  let sent = kept;
  let there = null;
  let failing = false;

  const unsaved = () => region.count > 0 && region.bits !== kept;

  async function once() {
    if (there !== null || !unsaved()) return;
    const { rows, columns, bits } = region;
    const body = JSON.stringify({ region: { rows, columns, bits }, was: kept });
    const before = sent;
    sent = bits;
    try {
      const headers = { "Content-Type": "application/json" };
      const answer = await inSession(`${address}/region`, { method: "POST", headers, body });
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
      if (answer.status === 409 && isJson) there = (await answer.json()).there;
      else if (!answer.ok) throw new Error(String(answer.status));
      else kept = bits;
      failing = false;
    } catch {
      failing = true;
      setTimeout(save, AGAIN_MS);
    }
    if (there !== null && there === before) save(knows()); // its own, of which the answer was lost
    else if (there !== null) ask(there);
    tell();
  }

  function save() {
    queue = queue.then(once);
    return queue;
  }

  function knows() {
    kept = there;
    there = null;
    return kept;
  }

  return { save, knows, unsaved, failed: () => failing, asks: () => there !== null };
}
