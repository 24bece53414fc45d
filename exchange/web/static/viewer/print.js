// A picture of what is shown, for a report: the stage, what lies over it, and the profile below.

const GROUND = "#15181d";
const GAP = 8;

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

/** The picture and what lies over it, on a canvas of the picture's size. Of WebGL, in the task in which it was drawn. */
export function layOver(context, picture, overlay) {
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
