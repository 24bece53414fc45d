// How a value of a surface becomes a colour: one shader for the flat stage and for the tilted one.

import { COLOURS_GLSL } from "./colours.js";

/** What `TONES_GLSL` is told, by `lookAt`. */
export const TONES = ["turn", "photograph", "range", "light", "exaggeration", "contrast", "colours"];

/** Where nothing was measured, as the shaders have it. */
export const UNMEASURED = [0.118, 0.133, 0.157];

// A texel is (slope x, slope y, height, 1) times its validity. Brightness: Lambert's law and a weak glint (Blinn).
export const TONES_GLSL = `
uniform vec2 u_turn[2];
uniform bool u_photograph[2];
uniform vec2 u_range;
uniform vec3 u_light;
uniform float u_exaggeration, u_contrast;
uniform bool u_colours;
const vec3 UNMEASURED = vec3(${UNMEASURED.join(", ")});
${COLOURS_GLSL}
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
`;

/** Tell a program in use how surfaces are lit and coloured: `look` as of `Shading.draw`. */
export function lookAt(gl, at, look) {
  gl.uniform3fv(at.light, look.light);
  gl.uniform1f(at.exaggeration, look.exaggeration);
  gl.uniform1f(at.contrast, look.contrast);
  gl.uniform2fv(at.range, look.range);
  gl.uniform1i(at.colours, look.colours ? 1 : 0);
  gl.uniform1iv(at.photograph, look.photographs.map(Number));
  const radians = look.turns.map((degrees) => (degrees * Math.PI) / 180);
  gl.uniform2fv(at.turn, radians.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
}

/** A pair of shaders, and where their uniforms are: `u_` before each name. */
export class Program {
  #gl;
  #program;
  #names;
  #at = null;

  constructor(gl, vertex, fragment, names) {
    this.#gl = gl;
    this.#names = names;
    const program = (this.#program = gl.createProgram());
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
  }

  /**
   * From now on it draws. Returns its uniforms by name. The first time this waits until it is compiled, a third of a
   * second in software: not to be called before the first frame.
   */
  use() {
    const gl = this.#gl;
    this.#at ??= this.#linked();
    gl.useProgram(this.#program);
    return this.#at;
  }

  #linked() {
    const [gl, program] = [this.#gl, this.#program];
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      const said = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
      throw new Error([...said, gl.getProgramInfoLog(program)].join(" ").trim() || "no-program");
    }
    return Object.fromEntries(this.#names.map((name) => [name, gl.getUniformLocation(program, `u_${name}`)]));
  }
}
