// Draws surfaces under a light that is fixed to the stage: whichever way a specimen is turned, the light stays.

import { COLOURS_GLSL } from "./colours.js";
import { slopesOf } from "./surface.js";

export const SHOW = Object.freeze({ query: 0, reference: 1, overlay: 2, difference: 3 });

const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2(float((gl_VertexID << 1) & 2), float(gl_VertexID & 2));
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// A texel is (slope x, slope y, height, 1) times its validity. Brightness: Lambert's law and a weak glint (Blinn).
const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D u_query, u_reference;
uniform vec3 u_columns[2], u_rows[2];
uniform vec2 u_turn[2];
uniform bool u_photograph[2];
uniform vec2 u_range;
uniform vec3 u_light;
uniform float u_pixel, u_top, u_exaggeration, u_contrast, u_mix, u_difference;
uniform int u_show;
uniform bool u_colours;
out vec4 colour;
const vec3 UNMEASURED = vec3(0.118, 0.133, 0.157);
${COLOURS_GLSL}
vec4 valueAt(sampler2D surface, int which) {
  vec3 place = vec3(gl_FragCoord.x * u_pixel, u_top - gl_FragCoord.y * u_pixel, 1.0);
  vec2 size = vec2(textureSize(surface, 0));
  vec2 at = (vec2(dot(u_columns[which], place), dot(u_rows[which], place)) + 0.5) / size;
  vec4 found = texture(surface, at);
  bool outside = any(lessThan(at, vec2(0.0))) || any(greaterThan(at, vec2(1.0)));
  return outside ? vec4(0.0) : vec4(found.xyz / max(found.w, 1e-3), found.w);
}
float brightness(vec4 value, int which) {
  if (u_photograph[which]) return clamp(0.5 + (value.z / 255.0) * u_contrast, 0.0, 1.0);
  vec2 turn = u_turn[which];
  vec2 slope = u_exaggeration * vec2(turn.x * value.x - turn.y * value.y, turn.y * value.x + turn.x * value.y);
  vec3 normal = normalize(vec3(-slope, 1.0));
  float lit = max(dot(normal, u_light), 0.0);
  float glint = pow(max(dot(normal, normalize(u_light + vec3(0.0, 0.0, 1.0))), 0.0), 28.0);
  float level = u_light.z;
  return clamp(0.46 + (lit - level) * 0.85 * u_contrast + 0.16 * (glint - 0.25), 0.0, 1.0);
}
vec3 toned(vec4 value, int which) {
  float shade = brightness(value, which);
  vec3 relief = vec3(shade) * vec3(1.0, 0.985, 0.955);
  if (!u_colours || u_photograph[which]) return relief;
  return heightColour((value.z - u_range.x) / (u_range.y - u_range.x)) * (0.35 + 1.05 * shade);
}
float measured(vec4 value) { return smoothstep(0.35, 0.65, value.w); }
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

const UNIFORMS = [
  "query", "reference", "columns", "rows", "turn", "photograph", "range", "light", "pixel", "top", "exaggeration",
  "contrast", "mix", "difference", "show", "colours",
];

export class Shading {
  /** Throws an Error where the browser has no WebGL 2. */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false, stencil: false });
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
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    this.program = program;
    this.at = null;
  }

  /** What asks for the program waits until it is compiled, a third of a second in software: not before the first frame. */
  #use() {
    const { gl, program } = this;
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const said = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error([...said, gl.getProgramInfoLog(program)].join(" ").trim() || "no-program");
    }
    gl.useProgram(program);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, `u_${name}`)]));
    gl.uniform1i(this.at.query, 0);
    gl.uniform1i(this.at.reference, 1);
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
   * `panes`: {show, left, right (CSS pixels), columns, rows: for both sides the rows of `screenToValue`};
   * `look`: {light: [x, y, z] towards the light on the screen, exaggeration, contrast, mix, colours, range: [low, high],
   * difference (um of full colour), turns: [degrees of each side on the screen], photographs: [boolean of each]}.
   */
  draw(width, height, density, panes, look) {
    if (!this.at) this.#use();
    const { gl, at, canvas } = this;
    const [columns, rows] = [Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density))];
    if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
    gl.viewport(0, 0, columns, rows);
    gl.uniform1f(at.pixel, width / columns);
    gl.uniform1f(at.top, height);
    gl.uniform3fv(at.light, look.light);
    gl.uniform1f(at.exaggeration, look.exaggeration);
    gl.uniform1f(at.contrast, look.contrast);
    gl.uniform1f(at.mix, look.mix);
    gl.uniform1f(at.difference, look.difference);
    gl.uniform2fv(at.range, look.range);
    gl.uniform1i(at.colours, look.colours ? 1 : 0);
    gl.uniform1iv(at.photograph, look.photographs.map(Number));
    const radians = look.turns.map((degrees) => (degrees * Math.PI) / 180);
    gl.uniform2fv(at.turn, radians.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
    gl.enable(gl.SCISSOR_TEST);
    for (const pane of panes) {
      const left = Math.round((pane.left / width) * columns);
      gl.scissor(left, 0, Math.max(0, Math.round((pane.right / width) * columns) - left), rows);
      gl.uniform3fv(at.columns, pane.columns.flat());
      gl.uniform3fv(at.rows, pane.rows.flat());
      gl.uniform1i(at.show, pane.show);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }

  /** Wait until what was drawn is there: ready is said of a picture, not of an order for one. */
  finish() {
    // gl.finish() returns at once in Chromium
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4));
  }
}
