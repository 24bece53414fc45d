// Surfaces as height fields on a stage that is turned and tilted: the light, the colours and the shading are those of the
// flat stage, which lie on the surface as they lie on the screen there. The light stays with the stage.
//
// A surface is a grid of triangles over the part of it that is seen. Each corner stands on a value of the surface, every
// `step` values one; between the corners the shading is as fine as the scan. So a coarse grid, which is drawn in software
// while a hand moves it, looks like a fine one but for the outline of small ridges.

import { fromScreen, fromStage, turned, untilted, valueToScreen } from "./frame.js";
import { lookAt, Program, TONES, TONES_GLSL, UNMEASURED } from "./tones.js";

const RADIANS = Math.PI / 180;
const MOST_CELLS = { moving: 160, settled: 640 }; // across and down: the second is a corner for each pixel or two
const SPIKES = 4; // times the heights that are coloured: what is higher may be cut off by the eye's near plane
const USUAL_SLOPE = 0.5; // how steep ridges are drawn at first: higher, those in front hide those behind

const VERTEX = `#version 300 es
precision highp float;
uniform highp sampler2D u_surface;
uniform vec3 u_across, u_down, u_lift;
uniform vec2 u_middle, u_stage, u_first;
uniform float u_step, u_lod, u_depth;
out vec2 v_at;
float heightAt(vec2 at) {
  for (int coarser = 0; coarser < 3; coarser++) {
    vec4 found = textureLod(u_surface, at, u_lod + float(coarser));
    if (found.w > 0.02) return found.z / found.w;
  }
  return 0.0;
}
void main() {
  vec2 size = vec2(textureSize(u_surface, 0));
  vec2 corner = vec2(float(gl_VertexID >> 1), float(gl_InstanceID + (gl_VertexID & 1)));
  vec3 place = vec3(min(u_first + corner * u_step, size - 1.0), 1.0);
  v_at = (place.xy + 0.5) / size;
  float height = heightAt(v_at) * u_lift.z;
  vec2 flatly = vec2(dot(u_across, place), dot(u_down, place));
  vec2 seen = u_middle + vec2(flatly.x, flatly.y * u_lift.x - height * u_lift.y);
  float nearer = flatly.y * u_lift.y + height * u_lift.x;
  gl_Position = vec4(2.0 * seen.x / u_stage.x - 1.0, 1.0 - 2.0 * seen.y / u_stage.y, -nearer / u_depth, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform highp sampler2D u_surface;
uniform int u_side;
in vec2 v_at;
out vec4 colour;
${TONES_GLSL}
void main() {
  vec4 found = texture(u_surface, v_at);
  if (found.w <= 0.35) discard;
  vec4 value = vec4(found.xyz / found.w, found.w);
  colour = vec4(mix(UNMEASURED, toned(value, u_side), measured(value)), 1.0);
}`;

const UNIFORMS = [...TONES, "surface", "across", "down", "lift", "middle", "stage", "first", "step", "lod", "depth", "side"];

/** How many times their height surfaces of this typical steepness are drawn at first. */
export function usualHeights(typicalSlope) {
  return Math.max(1, Math.round(USUAL_SLOPE / typicalSlope));
}

/**
 * The part of a surface that a pane {width, height} of a tilted stage shows, in its values: {first: [column, row], step,
 * cells: [across, down]}, or null for none of it. `lift`: by how many CSS pixels a height may move what is seen. A corner
 * stands on the same value wherever the view is moved, while the step stays: nothing swims.
 */
export function shownGrid({ camera, scale, tilt, pose, surface, pane, lift, most }) {
  const [halfWidth, halfHeight] = [pane.width / 2, pane.height / 2 + lift];
  const corners = [[-1, -1], [1, -1], [1, 1], [-1, 1]].map(([x, y]) => {
    const flat = untilted(tilt, [x * halfWidth, y * halfHeight]);
    const [sx, sy] = fromStage(pose, fromScreen(camera, scale, [0, 0], flat));
    return [(sx - surface.left) / surface.pitchX, (sy - surface.top) / surface.pitchY];
  });
  const ends = [surface.width, surface.height].map((size, axis) => {
    const places = corners.map((corner) => corner[axis]);
    return [Math.max(0, Math.floor(Math.min(...places))), Math.min(size - 1, Math.ceil(Math.max(...places)))];
  });
  if (ends.some(([low, high]) => high <= low)) return null;
  let step = 1;
  while (ends.some(([low, high]) => high - low > most * step)) step *= 2;
  const first = ends.map(([low]) => Math.floor(low / step) * step);
  return { first, step, cells: ends.map(([, high], axis) => Math.ceil((high - first[axis]) / step)) };
}

/** Draws on a context of which `Shading` made the size, the textures and the pane. */
export class Relief {
  #gl;
  #program = null;
  #at = null;

  constructor(gl) {
    this.#gl = gl;
  }

  /** An empty stage. The program is made when it is needed first: most people look at flat stages alone. */
  begin(look) {
    const gl = this.#gl;
    this.#program ??= new Program(gl, VERTEX, FRAGMENT, UNIFORMS);
    this.#at = this.#program.use();
    lookAt(gl, this.#at, { ...look, turns: look.turns.map((degrees) => degrees + look.tilt.turn_deg) });
    gl.clearColor(...UNMEASURED, 1);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.enable(gl.DEPTH_TEST);
  }

  /** One surface in its pane: `pane` has {left, right, top, bottom, middle, side, surface, pose, camera, scale}. */
  draw(width, height, pane, look) {
    const [gl, at] = [this.#gl, this.#at];
    const { camera, scale, pose, surface, side } = pane;
    const tilt = look.tilt.tilt_deg * RADIANS;
    const pixelsAMicrometre = surface.photograph ? 0 : scale * look.tilt.heights;
    const high = Math.max(...look.range.map(Math.abs)) * pixelsAMicrometre;
    const grid = shownGrid({
      camera, scale, pose, surface,
      tilt: look.tilt,
      pane: { width: pane.right - pane.left, height: pane.bottom - pane.top },
      lift: high * Math.sin(tilt),
      most: look.moving ? MOST_CELLS.moving : MOST_CELLS.settled,
    });
    if (!grid) return;
    const [xx, xy, x0, yx, yy, y0] = valueToScreen(camera, scale, pose, surface);
    const parts = [[xx, yx], [xy, yy], [x0, y0]].map((part) => turned(...part, look.tilt.turn_deg));
    gl.uniform1i(at.surface, side);
    gl.uniform1i(at.side, side);
    gl.uniform3fv(at.across, parts.map(([x]) => x));
    gl.uniform3fv(at.down, parts.map(([, y]) => y));
    gl.uniform3f(at.lift, Math.cos(tilt), Math.sin(tilt), pixelsAMicrometre);
    gl.uniform2fv(at.middle, pane.middle);
    gl.uniform2f(at.stage, width, height);
    gl.uniform2fv(at.first, grid.first);
    gl.uniform1f(at.step, grid.step);
    gl.uniform1f(at.lod, Math.log2(grid.step));
    gl.uniform1f(at.depth, (height / 2 + SPIKES * high) / Math.cos(tilt) + SPIKES * high);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 2 * (grid.cells[0] + 1), grid.cells[1]);
  }
}
