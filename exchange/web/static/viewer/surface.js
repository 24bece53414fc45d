// One scan as the stage draws it: fetched, decoded, and with its slopes.
//
// The bytes are those of GET /v1/scans/{sha256}/heights: the length of the head (uint32), the head (JSON), then rows of
// uint16. All numbers are little-endian, as is every machine that runs a browser today.

import { patiently } from "./patience.js";

const SAMPLES = 20000;
const ACCEPTED = { Accept: "application/octet-stream, application/json" }; // errors in words that a script can read

/**
 * Fetch both heights in a form. Where one of the scans has no filtered form (422), both come raw: they are compared.
 * Resolves with {surfaces, form}; rejects with an Error that says why.
 */
export async function fetchSurfaces(addresses, form, signal) {
  const both = (wanted) => Promise.all(addresses.map((address) => fetchSurface(withForm(address, wanted), signal)));
  try {
    return { surfaces: await both(form), form };
  } catch (error) {
    if (error.status !== 422 || form === "raw") throw error;
    return { surfaces: await both("raw"), form: "raw" };
  }
}

/** The form that an address asks for; raw is the server's default. */
export function formOf(address) {
  return new URL(address, document.baseURI).searchParams.get("form") === "filtered" ? "filtered" : "raw";
}

function withForm(address, form) {
  const url = new URL(address, document.baseURI);
  url.searchParams.set("form", form);
  return url.href;
}

/** Fetch the heights at an address. Rejects with an Error whose `status` is the answer's, where there was one. */
async function fetchSurface(address, signal) {
  const answer = await patiently(() => fetch(address, { credentials: "same-origin", headers: ACCEPTED, signal }));
  if (!answer.ok) {
    const error = new Error(await reasonOf(answer));
    error.status = answer.status;
    throw error;
  }
  return decodeSurface(await answer.arrayBuffer());
}

async function reasonOf(answer) {
  try {
    return (await answer.json()).detail ?? answer.statusText;
  } catch {
    return answer.statusText || String(answer.status);
  }
}

/**
 * Decode what was fetched.
 *
 * `heights`: Float32Array of height * width, rows first, micrometres (grey levels of a photograph), NaN where missing;
 * `left`, `top`: of the first value, `pitchX`, `pitchY`: between values, micrometres from the scan's first point
 * (pixels where nobody noted a photograph's scale: `measured` is then false); `rim`: places on the scan that bound what
 * was measured.
 */
export function decodeSurface(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const { width, height, scale_um: scale, offset_um: offset, missing } = head;
  const values = new Uint16Array(buffer, 4 + length, width * height);
  const heights = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) heights[i] = values[i] === missing ? NaN : offset + values[i] * scale;
  const sorted = sampled(heights);
  const [pitchX, pitchY] = [head.pitch_um ?? 1, head.pitch_y_um ?? 1];
  const place = ([column, row]) => [head.left_um + column * pitchX, head.top_um + row * pitchY];
  return {
    rim: rimOf(values, width, height, missing).map(place),
    width,
    height,
    heights,
    photograph: head.kind === "photograph",
    measured: head.pitch_um !== null,
    pitchX,
    pitchY,
    left: head.left_um,
    top: head.top_um,
    median: percentile(sorted, 0.5),
    low: percentile(sorted, 0.02),
    high: percentile(sorted, 0.98),
  };
}

/**
 * What the shader samples: Float32Array of (slope x, slope y, height above the median, 1) for each valid point, zeros
 * for a missing one. Multiplied by its validity, it may be averaged; who samples it divides by the fourth number.
 * `typical`: the median steepness, micrometres a micrometre.
 */
export function slopesOf(surface) {
  const { width, height, heights, pitchX, pitchY, median } = surface;
  const packed = new Float32Array(4 * heights.length);
  const steep = new Float32Array(Math.min(SAMPLES, heights.length));
  const step = Math.max(1, Math.floor(heights.length / SAMPLES));
  let taken = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const here = heights[i];
      if (here !== here) continue;
      const slopeX = slope(here, x > 0 ? heights[i - 1] : NaN, x < width - 1 ? heights[i + 1] : NaN, pitchX);
      const slopeY = slope(here, y > 0 ? heights[i - width] : NaN, y < height - 1 ? heights[i + width] : NaN, pitchY);
      packed[4 * i] = slopeX;
      packed[4 * i + 1] = slopeY;
      packed[4 * i + 2] = here - median;
      packed[4 * i + 3] = 1;
      if (i % step === 0 && taken < steep.length) steep[taken++] = Math.hypot(slopeX, slopeY);
    }
  }
  return { packed, typical: percentile(steep.subarray(0, taken).sort(), 0.5) || 1e-3 };
}

/** The first and the last value of a hundred rows, of the uppermost and of the lowest: [column, row] each. */
function rimOf(values, width, height, missing) {
  const found = [];
  const step = Math.max(1, Math.floor(height / 100));
  for (let row = 0; row < height; row += row === height - 1 ? 1 : Math.min(step, height - 1 - row)) {
    const line = values.subarray(row * width, (row + 1) * width);
    const first = line.findIndex((value) => value !== missing);
    if (first >= 0) found.push([first, row], [line.findLastIndex((value) => value !== missing), row]);
  }
  return found;
}

/** Between both neighbours where both were measured, to one of them at an edge, 0 beside nothing. */
function slope(here, before, after, pitch) {
  if (before === before) return after === after ? (after - before) / (2 * pitch) : (here - before) / pitch;
  return after === after ? (after - here) / pitch : 0;
}

/** The height at a place of the scan (micrometres from its first point), NaN where nothing was measured. */
export function heightAt(surface, x, y) {
  const column = Math.round((x - surface.left) / surface.pitchX);
  const row = Math.round((y - surface.top) / surface.pitchY);
  if (column < 0 || row < 0 || column >= surface.width || row >= surface.height) return NaN;
  return surface.heights[row * surface.width + column];
}

/** As `heightAt`, between the four values around the place; where one of them is missing, the nearest. */
export function heightBetween(surface, x, y) {
  const { width, height, heights } = surface;
  const [column, row] = [(x - surface.left) / surface.pitchX, (y - surface.top) / surface.pitchY];
  const [c, r] = [Math.floor(column), Math.floor(row)];
  if (c < 0 || r < 0 || c >= width - 1 || r >= height - 1) return heightAt(surface, x, y);
  const [s, t] = [column - c, row - r];
  const i = r * width + c;
  const upper = heights[i] + s * (heights[i + 1] - heights[i]);
  const lower = heights[i + width] + s * (heights[i + width + 1] - heights[i + width]);
  const found = upper + t * (lower - upper);
  return found === found ? found : heightAt(surface, x, y);
}

function sampled(heights) {
  const step = Math.max(1, Math.floor(heights.length / SAMPLES));
  const found = [];
  for (let i = 0; i < heights.length; i += step) if (heights[i] === heights[i]) found.push(heights[i]);
  return Float32Array.from(found).sort();
}

function percentile(sorted, share) {
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 0;
}
