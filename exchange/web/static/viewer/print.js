// A picture of what is shown, for a report: the stage, what lies over it, and the profile below. A browser keeps a picture
// of WebGL no longer than the task in which it was drawn, so it is copied as soon as it is drawn.

const GROUND = "#15181d";
const GAP = 8;
const PICTURE_DENSITY = 2; // canvas pixels to a CSS pixel

/** Of a stage as of Comparison.still, at most so wide. Resolves with a PNG as a Blob. */
export async function pictureOf({ parts, draw, chart }, most) {
  draw(Math.min(PICTURE_DENSITY, most / parts.stage.clientWidth));
  const { width, height } = parts.picture;
  const whole = new OffscreenCanvas(width, height);
  layOver(whole, parts);
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

/** The picture and what lies over it, on a canvas of the picture's size. */
export function layOver(canvas, { picture, overlay }) {
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  context.drawImage(overlay, 0, 0, canvas.width, canvas.height);
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
