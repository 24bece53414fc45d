// Draws surfaces under a light that is fixed to the stage: whichever way a specimen is turned, the light stays.

import { Relief } from "./relief.js";
import { slopesOf } from "./surface.js";
import { lookAt, Program, TONES, TONES_GLSL } from "./tones.js";

export const SHOW = Object.freeze({ query: 0, reference: 1, overlay: 2, difference: 3 });

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_query, u_reference;
uniform vec3 u_columns[2], u_rows[2];
uniform float u_pixel, u_top, u_mix, u_difference;
uniform int u_show;
out vec4 colour;
${TONES_GLSL}
vec4 valueAt(sampler2D surface, int which) {
  vec3 place = vec3(gl_FragCoord.x * u_pixel, u_top - gl_FragCoord.y * u_pixel, 1.0);
  vec2 size = vec2(textureSize(surface, 0));
  vec2 at = (vec2(dot(u_columns[which], place), dot(u_rows[which], place)) + 0.5) / size;
  vec4 found = texture(surface, at);
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThan(at, vec2(1.0)));
  return outside ? vec4(0.0) : vec4(found.xyz / max(found.w, 1e-3), found.w);
}
void main() {
  if (u_show < 2) {
    vec4 value = vec4(0.0);
    if (u_show == 0) value = valueAt(u_query, 0); else value = valueAt(u_reference, 1);
    colour = vec4(UNMEASURED, 1.0);
    if (value.w > 0.35) colour.rgb = mix(UNMEASURED, toned(value, u_show), measured(value));
    return;
  }
  vec4 q = valueAt(u_query, 0), r = valueAt(u_reference, 1);
  float inQ = measured(q), inR = measured(r);
  if (u_show == 3) {
    vec3 found = differenceColour((q.z - r.z) / u_difference);
    colour = vec4(mix(UNMEASURED * (1.0 + 0.35 * max(inQ, inR)), found, inQ * inR), 1.0);
    return;
  }
  colour = vec4(UNMEASURED, 1.0);
  if (max(inQ, inR) <= 0.0) return;
  float a = brightness(q, 0), b = brightness(r, 1), tint = 1.0 - abs(2.0 * u_mix - 1.0);
  vec3 both = mix(mix(vec3(a), vec3(b), u_mix), vec3(b, a, b), 0.75 * tint);
  vec2 shares = 0.6 * min(vec2(1.0), 2.0 * vec2(1.0 - u_mix, u_mix));
  vec3 alone = mix(vec3(a) * shares.x, vec3(b) * shares.y, step(inQ, inR));
  vec3 found = mix(alone, both, inQ * inR);
  colour.rgb = mix(UNMEASURED, found, max(inQ, inR));
}`;

const UNIFORMS = [...TONES, "query", "reference", "columns", "rows", "pixel", "top", "mix", "difference", "show"];

export class Shading {
  /** Throws an Error where the browser has no WebGL 2. */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: true, stencil: false });
    if (!gl) throw new Error("no-webgl2");
    this.canvas = canvas;
    this.gl = gl;
    this.prepare();
  }

  /** To be called again when a lost context is restored: nothing of the old one is left. */
  prepare() {
    const { gl } = this;
    this.averages = gl.getExtension("EXT_color_buffer_float") !== null; // else half floats have no smaller copies
    this.textures = [null, null];
    this.flat = new Program(gl, VERTEX, FRAGMENT, UNIFORMS);
    this.relief = new Relief(gl);
  }

  /** Put a surface on one side (0 query, 1 reference); returns its typical steepness. */
  load(side, surface) {
    const { gl } = this;
    if (Math.max(surface.width, surface.height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error("too-large");
    const { packed, typical } = slopesOf(surface);
    if (this.textures[side]) gl.deleteTexture(this.textures[side]);
    this.textures[side] = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + side);
    gl.bindTexture(gl.TEXTURE_2D, this.textures[side]);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, surface.width, surface.height, 0, gl.RGBA, gl.FLOAT, packed);
    if (this.averages) gl.generateMipmap(gl.TEXTURE_2D);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, this.averages ? gl.LINEAR_MIPMAP_NEAREST : gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return typical;
  }

  /**
   * Draw one frame of `width` x `height` CSS pixels, `density` canvas pixels to each.
   *
   * `panes`: {show, left, right, top, bottom (CSS pixels), columns, rows: for both sides the rows of `screenToValue`};
   * `look`: {light: [x, y, z] towards the light on the screen, exaggeration, contrast, mix, colours, range: [low, high],
   * difference (um of full colour), turns: [degrees of each side on the screen], photographs: [boolean of each]}.
   */
  draw(width, height, density, panes, look) {
    const { gl } = this;
    const [columns] = this.#sized(width, height, density);
    const at = this.flat.use();
    gl.disable(gl.DEPTH_TEST);
    gl.uniform1i(at.query, 0);
    gl.uniform1i(at.reference, 1);
    gl.uniform1f(at.pixel, width / columns);
    gl.uniform1f(at.top, height);
    gl.uniform1f(at.mix, look.mix);
    gl.uniform1f(at.difference, look.difference);
    lookAt(gl, at, look);
    for (const pane of panes) {
      this.#within(pane, width, height);
      gl.uniform3fv(at.columns, pane.columns.flat());
      gl.uniform3fv(at.rows, pane.rows.flat());
      gl.uniform1i(at.show, pane.show);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }

  /**
   * Draw one frame of the tilted stage. `panes`: as `Relief.draw` has them; `look`: as of `draw`, with {tilt: of the view,
   * moving: whether the hand has not let go yet}.
   */
  drawTilted(width, height, density, panes, look) {
    this.#sized(width, height, density);
    this.relief.begin(look);
    for (const pane of panes) {
      this.#within(pane, width, height);
      this.relief.draw(width, height, pane, look);
    }
  }

  /** The canvas, so large: [columns, rows]. */
  #sized(width, height, density) {
    const { gl, canvas } = this;
    const [columns, rows] = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    gl.viewport(0, 0, columns, rows);
    gl.disable(gl.SCISSOR_TEST);
    return [columns, rows];
  }

  /** What is drawn next is drawn in this pane alone. */
  #within({ left, right, top, bottom }, width, height) {
    const { gl, canvas } = this;
    const [first, last] = [left, right].map((edge) => Math.round((edge / width) * canvas.width));
    const [low, high] = [bottom, top].map((edge) => Math.round((1 - edge / height) * canvas.height)); // rows upwards
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(first, low, Math.max(0, last - first), Math.max(0, high - low));
  }

  /** Wait until what was drawn is there: ready is said of a picture, not of an order for one. */
  finish() {
    // gl.finish() returns at once in Chromium
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }
}
