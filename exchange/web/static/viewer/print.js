// A picture of what is shown, for a report: the stage, what lies over it, and the profile below. The same on paper.

import { clamped } from "./view.js";
import { statusOf } from "./words.js";

const GROUND = "#15181d";
const GAP = 8;
const PAPER_DENSITY = [1, 4]; // canvas pixels to a CSS pixel of a stage that is printed

/** `parts`: {picture, overlay}, canvases that were just drawn; `chart`: a Chart. Resolves with a PNG as a Blob. */
export async function pictureOf({ picture, overlay }, chart) {
  const { width, height } = picture;
  const whole = new OffscreenCanvas(width, height);
  layOver(whole.getContext("2d"), picture, overlay);
  const below = chart.picture();
  if (!below) return whole.convertToBlob({ type: "image/png" });
  const image = await loaded(below.svg);
  const scale = width / below.width;
  const taller = new OffscreenCanvas(width, Math.round(height + (below.height + GAP) * scale));
  const paper = taller.getContext("2d");
  paper.fillStyle = GROUND;
  paper.fillRect(0, 0, taller.width, taller.height);
  paper.drawImage(whole, 0, 0);
  paper.drawImage(image, 0, height + GAP * scale, width, below.height * scale);
  return taller.convertToBlob({ type: "image/png" });
}

/**
 * The stage on a canvas of the page, about `most` pixels wide. `draw(density)` draws it: a browser keeps a picture of WebGL
 * no longer than the task in which it was drawn.
 */
export function drawOn(canvas, { stage, picture, overlay }, most, draw) {
  draw(clamped(most / stage.clientWidth, PAPER_DENSITY));
  [canvas.width, canvas.height] = [picture.width, picture.height];
  layOver(canvas.getContext("2d"), picture, overlay);
}

/** What paper tells of a view: {said: what is shown, chart: its profile as an element, or null, marks: [{kind, words}]}. */
export function toldOnPaper(view, facts, chart, text) {
  return {
    said: statusOf({ ...view, tool: null }, { ...facts, onPaper: true }, text),
    chart: chart.drawing(),
    marks: view.marks.map((mark) => ({ kind: text(mark.kind), words: mark.text })),
  };
}

function layOver(context, picture, overlay) {
  context.drawImage(picture, 0, 0);
  context.drawImage(overlay, 0, 0, picture.width, picture.height);
}

async function loaded(svg) {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(address);
  }
}
