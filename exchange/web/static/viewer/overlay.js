// What lies over the pictures: cells and their labels, what people laid there, the scale bar, the bars of colours.

import { correlationColour, differenceColour, heightColour } from "./colours.js";
import { fromStage, toScreen, toStage, turned } from "./frame.js";
import { DIM, INK, lengthText, LIT, MEASURE, NAME_FONT, plate, PLATE, TEXT } from "./ink.js";
import { drawMarkings } from "./markings.js";

const BAR_ROOM = 104; // from one bar of colours to the next
const LEAST_ROOM = 26; // CSS pixels across a cell
const ROOM_FOR_NUMBER = 52;

/**
 * The cells of a comparison on both sides, as corners in each scan's own frame.
 *
 * A cell lies square on the grid of the scan that `cells_on` names. On the other one a congruent cell lies where its
 * content was found, any other where the registration expects it. Returns [{label, congruent, correlation,
 * corners: [of the query, of the reference]}]; without a registration the other side has none.
 */
export function placedCells(cells, { on, size, query, registration }) {
  const fixed = on === query ? 0 : 1;
  return cells.map((cell) => {
    const [a, b] = [cell.centre_a_um, cell.centre_b_um];
    const centres = query === "a" ? [a, b] : [b, a];
    const corners = [null, null];
    corners[fixed] = square([centres[fixed][1], centres[fixed][0]], size, 0);
    if (registration) {
      const angle = fixed === 0 ? -registration.angle_deg : registration.angle_deg;
      const across = fixed === 0 ? fromStage : toStage;
      const expected = across(registration, [centres[fixed][1], centres[fixed][0]]);
      const centre = cell.congruent ? [centres[1 - fixed][1], centres[1 - fixed][0]] : expected;
      corners[1 - fixed] = square(centre, size, angle);
    }
    return { label: cell.label, congruent: Boolean(cell.congruent), correlation: cell.correlation, corners };
  });
}

function square([x, y], size, degrees) {
  const half = size / 2;
  return [[-half, -half], [half, -half], [half, half], [-half, half]].map(([dx, dy]) => {
    const [tx, ty] = turned(dx, dy, degrees);
    return [x + tx, y + ty];
  });
}

/**
 * Draw all of it. `scene`: {width, height (CSS pixels), panes: from `panesOf`, camera, scale, poses,
 * cells: from `placedCells` or null, heat: whether they are coloured by correlation, laid: the view, with what people laid
 * on the stage, or null, cursor: where along the profile line it is read or null, unit, bars: [{low, high, kind, grey:
 * whether of levels of grey}], legend: from `legendOf`, light: null or towards the light [x, y, z], heights: how many times
 * their height surfaces are drawn, or null where they lie flat, locale, names: [query's, reference's], text}.
 */
export function drawOverlay(context, scene) {
  context.clearRect(0, 0, scene.width, scene.height);
  for (const pane of scene.panes) {
    context.save();
    context.beginPath();
    context.rect(...boxOf(pane));
    context.clip();
    if (scene.cells) drawCells(context, scene, pane);
    if (scene.laid) drawMarkings(context, scene, pane);
    context.restore();
    drawNames(context, scene, pane);
  }
  drawScaleBar(context, scene);
  if (scene.light) drawLight(context, scene);
  if (scene.heights !== null) drawHeights(context, scene);
  scene.bars.forEach((bar, i) => drawBar(context, scene, bar, i));
  if (scene.legend.length) drawLegend(context, scene);
}

const boxOf = ({ left, right, top, bottom }) => [left, top, right - left, bottom - top];

/** Whence the light comes: on the rim it is low, in the middle it stands above. */
function drawLight(context, { width, light, top }) {
  const [x, y, radius] = [width - 34, top + 64, 18];
  context.fillStyle = PLATE;
  context.strokeStyle = DIM;
  context.lineWidth = 1;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + light[0] * radius, y + light[1] * radius);
  context.stroke();
  context.fillStyle = MEASURE;
  context.beginPath();
  context.arc(x + light[0] * radius, y + light[1] * radius, 4.5, 0, 2 * Math.PI);
  context.fill();
}

function drawCells(context, scene, pane) {
  const side = pane.sides[0];
  const shown = scene.cells
    .filter((cell) => cell.corners[side])
    .map((cell) => ({
      ...cell,
      points: cell.corners[side].map((corner) =>
        toScreen(scene.camera, scene.scale, pane.middle, toStage(scene.poses[side], corner)),
      ),
    }))
    .sort((a, b) => a.congruent - b.congruent);
  const lit = shown.filter((cell) => cell.congruent);
  if (scene.heat) fillByCorrelation(context, shown);
  else if (lit.length) veilAllBut(context, lit, boxOf(pane));
  for (const cell of shown) {
    context.strokeStyle = scene.heat ? (cell.congruent ? TEXT : DIM) : cell.congruent ? LIT : DIM;
    context.lineWidth = cell.congruent && !scene.heat ? 2 : 1;
    context.stroke(outline(cell.points));
    const [[x1, y1], [x2, y2]] = cell.points;
    const room = Math.hypot(x2 - x1, y2 - y1);
    if (room >= LEAST_ROOM) drawLabel(context, cell, ...labelOf(cell, scene, room));
  }
}

/** The map of correlation: the specimen shows through, a cell without a correlation stays clear. */
function fillByCorrelation(context, cells) {
  for (const cell of cells) {
    if (!Number.isFinite(cell.correlation)) continue;
    context.fillStyle = cssColour(correlationColour(cell.correlation), 0.58);
    context.fill(outline(cell.points));
  }
}

function cssColour(colour, alpha = 1) {
  const levels = colour.map((channel) => Math.round(Math.min(1, Math.max(0, channel)) * 255));
  return `rgb(${levels.join(" ")} / ${alpha})`;
}

/** All that is not congruent steps back; where two of these cells overlap both stay lit. */
function veilAllBut(context, cells, box) {
  const layer = new OffscreenCanvas(context.canvas.width, context.canvas.height).getContext("2d");
  layer.setTransform(context.getTransform());
  layer.fillStyle = "rgba(12, 15, 20, 0.42)";
  layer.fillRect(...box);
  layer.globalCompositeOperation = "destination-out";
  layer.fillStyle = "#000";
  for (const cell of cells) layer.fill(outline(cell.points));
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(layer.canvas, 0, 0);
  context.restore();
}

function outline(points) {
  const path = new Path2D();
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  return path;
}

/** [words, ground, ink]: on the map of correlation with its number, where there is room for it. */
function labelOf(cell, scene, room) {
  if (!scene.heat) return [cell.label, ...(cell.congruent ? [LIT, INK] : [PLATE, "rgba(220, 226, 236, 0.85)"])];
  if (room < ROOM_FOR_NUMBER || !Number.isFinite(cell.correlation)) return [cell.label, PLATE, TEXT];
  const number = cell.correlation.toLocaleString(scene.locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return [`${cell.label} ${number}`, PLATE, TEXT];
}

/** At the corner that is uppermost on the screen, upright whichever way the cell is turned. */
function drawLabel(context, cell, text, ground, ink) {
  const [x, y] = cell.points.reduce((best, point) => (point[0] + point[1] < best[0] + best[1] ? point : best));
  context.font = "600 11px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "left";
  const width = context.measureText(text).width + 8;
  context.fillStyle = ground;
  context.fillRect(x + 1, y + 1, width, 15);
  context.fillStyle = ink;
  context.fillText(text, x + 5, y + 9);
}

/** A name in as many lines as it takes: broken after its commas, or between two names. */
export function nameLines(name, fits) {
  const lines = [];
  for (const part of name.split(/(?<=, |\+ )/)) {
    const longer = (lines.at(-1) ?? "") + part;
    if (lines.length && fits(longer.trimEnd())) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines.map((line) => line.trimEnd());
}

function drawNames(context, scene, pane) {
  const right = pane.sides.length === 1 && pane.sides[0] === 1;
  const name = pane.sides.map((side) => scene.names[side]).join(" + ");
  const room = pane.right - pane.left;
  if (room < 60) return;
  context.font = NAME_FONT;
  nameLines(name, (line) => context.measureText(line).width + 24 <= room).forEach((line, number) => {
    const [x, y] = [right ? pane.right - 12 : pane.left + 12, Math.max(scene.top, pane.top) + 20 + 24 * number];
    plate(context, line, x, y, right ? "right" : "left", TEXT);
  });
}

/** The longest of 1, 2, 5, 10, ... that takes up to a fifth of the stage. */
export function scaleBarOf(width, scale) {
  const most = width / 5 / scale;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most) ?? power;
}

function drawScaleBar(context, scene) {
  const length = scaleBarOf(scene.width, scene.scale);
  const pixels = length * scene.scale;
  const [x, y] = [scene.width - 16 - pixels, scene.height - 16];
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(x - 10, y - 28, pixels + 20, 38, 5);
  context.fill();
  context.fillStyle = TEXT;
  context.fillRect(x, y - 4, pixels, 4);
  context.fillRect(x, y - 9, 1.5, 9);
  context.fillRect(x + pixels - 1.5, y - 9, 1.5, 9);
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  context.fillText(lengthText(length, scene, 2), x + pixels / 2, y - 12);
}

/** Above the scale bar, which holds for lengths across the screen alone. */
function drawHeights(context, scene) {
  const times = scene.heights.toLocaleString(scene.locale);
  plate(context, scene.text("heights-times", { heights: times }), scene.width - 13, scene.height - 62, "right", TEXT);
}

const BAR_COLOURS = {
  heights: (share) => heightColour(share),
  difference: (share) => differenceColour(2 * share - 1),
  correlation: (share) => correlationColour(share),
};

/** A bar of colours, one scale for both sides: {low, high, kind}; the next one stands to its right. */
function drawBar(context, scene, { low, high, kind, grey }, place) {
  const [x, width, tall] = [22 + place * BAR_ROOM, 14, Math.min(200, scene.height * 0.4)];
  const unit = grey ? scene.text("grey") : "µm";
  const y = scene.height - 26 - tall;
  const title = kind === "correlation" ? scene.text("correlation") : "";
  context.font = "12px system-ui, sans-serif";
  const plateWidth = Math.max(92, title ? context.measureText(title).width + 20 : 0);
  const head = title ? 20 : 0;
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(x - 10, y - 16 - head, plateWidth, tall + 32 + head, 5);
  context.fill();
  for (let i = 0; i < tall; i++) {
    context.fillStyle = cssColour(BAR_COLOURS[kind](1 - (i + 0.5) / tall));
    context.fillRect(x, y + i, width, 1.5);
  }
  context.fillStyle = TEXT;
  context.textAlign = "left";
  context.textBaseline = "middle";
  if (title) context.fillText(title, x, y - 18);
  const signed = { minimumFractionDigits: 1, maximumFractionDigits: high - low < 2 ? 2 : 1, signDisplay: "exceptZero" };
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (high - low);
    const number = value.toLocaleString(scene.locale, kind === "correlation" ? { minimumFractionDigits: 1 } : signed);
    context.fillRect(x + width, y + (1 - share) * tall - 0.5, 4, 1);
    context.fillText(kind === "correlation" ? number : `${number} ${unit}`, x + width + 7, y + (1 - share) * tall);
  }
}

/**
 * What colours of a view are which specimen, in words: [{key: of the words, side: whose name they say or null, colour}].
 * They are what the shader makes of a bright place of one specimen alone, and of both. `surfaces` of the view.
 */
export function legendOf(view, surfaces) {
  if (view.mode === "overlay") {
    if ([0, 1].includes(view.mix)) return [{ key: "overlay-one", side: view.mix, colour: [0.85, 0.85, 0.85] }];
    return [
      { key: "overlay-query", side: 0, colour: [0.25, 0.85, 0.25] },
      { key: "overlay-reference", side: 1, colour: [0.85, 0.25, 0.85] },
      { key: "overlay-both", side: null, colour: [0.6, 0.6, 0.6] },
    ];
  }
  if (view.mode !== "difference" || surfaces[0].photograph !== surfaces[1].photograph) return [];
  const [query, both, reference] = surfaces[0].photograph
    ? ["grey-query", "grey-both", "grey-reference"]
    : ["difference-query", "difference-both", "difference-reference"];
  return [
    { key: query, side: 0, colour: differenceColour(1) },
    { key: both, side: null, colour: differenceColour(0) },
    { key: reference, side: 1, colour: differenceColour(-1) },
  ];
}

/** The sentences of a legend. */
export function legendWords(legend, names, text) {
  return legend.map(({ key, side }) => text(key, side === null ? {} : { name: names[side] }));
}

/** Right of the bars: a swatch before each sentence, which is broken where the stage is narrow. */
function drawLegend(context, scene) {
  const left = 12 + scene.bars.length * BAR_ROOM;
  const [line, swatch] = [18, 12];
  const room = Math.max(120, Math.min(440, scene.width - left - 220) - 40);
  context.font = "12px system-ui, sans-serif";
  const rows = legendWords(scene.legend, scene.names, scene.text).map((said, i) => ({
    lines: brokenLines(said, (part) => context.measureText(part).width <= room),
    colour: scene.legend[i].colour,
  }));
  const widest = Math.max(...rows.flatMap(({ lines }) => lines.map((part) => context.measureText(part).width)));
  const tall = rows.reduce((sum, { lines }) => sum + lines.length * line, 0) + 12;
  let y = scene.height - 10 - tall;
  context.fillStyle = PLATE;
  context.beginPath();
  context.roundRect(left, y, widest + swatch + 28, tall, 5);
  context.fill();
  context.textAlign = "left";
  context.textBaseline = "middle";
  y += 6 + line / 2;
  for (const { lines, colour } of rows) {
    context.fillStyle = cssColour(colour);
    context.fillRect(left + 10, y - swatch / 2, swatch, swatch);
    context.fillStyle = TEXT;
    for (const part of lines) {
      context.fillText(part, left + swatch + 18, y);
      y += line;
    }
  }
}

/** Words in as many lines as they take. */
function brokenLines(words, fits) {
  const lines = [];
  for (const word of words.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
