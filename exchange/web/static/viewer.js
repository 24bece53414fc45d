// <ffp-comparison>: the virtual comparison microscope. Attributes, events and words: see the class.

import { actsOf } from "./viewer/acts.js";
import { Chart } from "./viewer/chart.js";
import { buildControls, showControls, texts } from "./viewer/controls.js";
import { AT_REST, centredPose, fittingCamera, registrationOf } from "./viewer/frame.js";
import { listen, listenDivider } from "./viewer/gestures.js";
import { Hand } from "./viewer/hand.js";
import { made } from "./viewer/made.js";
import { MarkList } from "./viewer/marks.js";
import { HALVED } from "./viewer/names.js";
import { placedCells } from "./viewer/overlay.js";
import { profilesOf } from "./viewer/section.js";
import { Shading } from "./viewer/shading.js";
import { pictureOf } from "./viewer/print.js";
import { usualHeights } from "./viewer/relief.js";
import { drawStage } from "./viewer/stage.js";
import { fetchSurfaces, formOf } from "./viewer/surface.js";
import { clamped, firstView, mergedView, slid } from "./viewer/view.js";
import { statusOf } from "./viewer/words.js";

const SETTLED_MS = 140;
const TYPICAL_SLOPE = 0.28; // as the picture of a candidate exaggerates
const FLATTEST_SLOPE = 0.015; // beyond this, noise would be exaggerated
const PRINTED_DENSITY = 2;
const LAID_NOTHING = { tool: null, measure: null, measured_on: null, angle: null, profile: null, marks: [] };

/**
 * Attributes: `query-heights`, `reference-heights` (addresses); `comparison`, the matcher's own JSON, or in its place
 * `registration` {dx_um, dy_um, angle_deg}, the reference's pose on the query (see frame.js), `cells` (the matcher's),
 * `cells-on` (a or b) and `cell-size-um`; `query-is`, which of the matcher's scans the query is, a by default;
 * `label-query`, `label-reference`; `view`, a saved view; `fallback`, the address of a picture for where there is no
 * WebGL 2; `data-text-*`.
 * Sets `data-state` (loading, ready, lost, fallback, failed) and `data-ready-ms`. Fires `ffp-state` {state} and, when a change has
 * settled, `ffp-view`, whose detail is the view: JSON that the property and the attribute `view` take back.
 */
class Comparison extends HTMLElement {
  static observedAttributes = ["query-heights", "reference-heights", "comparison", "registration", "cells", "cells-on",
    "cell-size-um", "query-is", "view"];

  #view = firstView();
  #start = null;
  #surfaces = null;
  #registration = null;
  #cells = [];
  #given = null;
  #busy = false;
  #touched = false;
  #note = "";
  #text = texts(this);
  #hand = new Hand();

  connectedCallback() {
    this.#end = new AbortController();
    const { signal } = this.#end;
    const { onStage, onList, command } = actsOf(this.#desk());
    this.#parts = buildControls(this, this.#text, {
      command,
      slide: (name, value) => this.#change(() => {
        slid(this.#view, name, value);
        this.#touched ||= ["exaggeration", "heights"].includes(name);
      }),
    });
    this.#chart = new Chart(this.#text, {
      moved: () => this.#redraw(),
      closed: () => this.#change(() => Object.assign(this.#view, { profile: null, tool: null })),
    }, signal);
    this.#parts.table.after(this.#chart.node);
    this.#marks = new MarkList(this.#text, onList);
    this.#parts.table.append(this.#marks.node);
    listen(this.#parts.stage, onStage, signal);
    listenDivider(this.#parts.divider, this.#parts.stage, {
      share: () => this.#view.divider,
      busy: (busy) => this.#setBusy(busy),
      moved: (share) => this.#change(() => { this.#view.divider = clamped(share, [0, 1]); }),
    }, signal);
    const observer = new ResizeObserver(() => this.#redraw());
    observer.observe(this.#parts.stage);
    signal.addEventListener("abort", () => observer.disconnect());
    this.#parts.picture.addEventListener("webglcontextlost", (event) => this.#lost(event), { signal });
    this.#parts.picture.addEventListener("webglcontextrestored", () => this.#restored(), { signal });
    try {
      this.#shading = new Shading(this.#parts.picture);
    } catch (error) {
      if (error.message === "no-webgl2") this.#fallBack();
      else this.#fail(error.message);
      return;
    }
    this.#read();
    if (this.hasAttribute("view")) this.view = this.getAttribute("view");
    this.#load();
  }

  disconnectedCallback() {
    this.#end.abort();
    this.#loading?.abort();
    this.#shading?.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  attributeChangedCallback(name) {
    if (!this.#shading) return;
    if (name.endsWith("-heights")) {
      this.#surfaces = null;
      this.#load();
    } else if (name === "view") this.view = this.getAttribute("view");
    else {
      this.#read();
      this.#redraw();
    }
  }

  get view() {
    return structuredClone(this.#view);
  }

  set view(given) {
    const parsed = typeof given === "string" ? parsedJson(given) : given;
    if (!this.#surfaces) {
      this.#given = parsed;
      return;
    }
    const form = this.#view.form;
    this.#hand.forget();
    this.#change(() => { this.#view = mergedView({ ...this.#view, ...structuredClone(LAID_NOTHING) }, parsed); });
    this.#touched = true;
    if (this.#view.form !== form) this.#load();
  }

  /** The stage as a PNG with all that lies over it, and the profile: for a report. `most`: its width. A Blob. */
  picture({ most = Infinity } = {}) {
    const { stage } = this.#parts;
    this.#drawNow(Math.min(PRINTED_DENSITY, most / stage.clientWidth), false);
    const found = pictureOf(this.#parts, this.#chart);
    this.#redraw();
    return found;
  }

  #end = null;
  #parts = null;
  #chart = null;
  #marks = null;
  #shading = null;
  #loading = null;
  #settling = 0;
  #frame = 0;

  #read() {
    const comparison = parsedJson(this.getAttribute("comparison")) ?? {};
    const query = this.getAttribute("query-is") === "b" ? "b" : "a";
    const registration = parsedJson(this.getAttribute("registration"));
    this.#registration = registration ? { ...AT_REST, ...registration } : registrationOf(comparison, query);
    const cells = parsedJson(this.getAttribute("cells")) ?? comparison.cells ?? [];
    const on = this.getAttribute("cells-on") ?? comparison.cells_on ?? "a";
    const size = Number(this.getAttribute("cell-size-um") ?? comparison.cell_size_um ?? 0);
    this.#cells = size > 0 ? placedCells(cells, { on, size, query, registration: this.#registration }) : [];
  }

  async #load() {
    const addresses = ["query-heights", "reference-heights"].map((name) => this.getAttribute(name));
    this.#loading?.abort();
    if (addresses.some((address) => !address)) return;
    const loading = (this.#loading = new AbortController());
    const started = performance.now();
    this.#state("loading");
    this.#parts.status.textContent = this.#text("loading");
    const first = this.#surfaces === null;
    if (first) this.#view.form = this.#given?.form ?? formOf(addresses[0]);
    try {
      const { surfaces, form } = await fetchSurfaces(addresses, this.#view.form, loading.signal);
      this.#note = form === this.#view.form ? "" : this.#text("no-filtered");
      this.#view.form = form;
      this.#surfaces = surfaces;
      const slopes = this.#surfaces.map((surface, side) => this.#shading.load(side, surface));
      this.#settle(first, slopes);
      this.#drawNow();
      this.#shading.finish();
    } catch (error) {
      if (!loading.signal.aborted) this.#fail(error.message);
      return;
    }
    this.dataset.readyMs = String(Math.round(performance.now() - started));
    this.#state("ready");
    this.#tell();
    this.#changed();
  }

  /** What follows from the surfaces: where the view starts, and how much slopes are exaggerated. */
  #settle(first, slopes) {
    const shaded = slopes.filter((_, side) => !this.#surfaces[side].photograph);
    const typical = Math.max(...shaded, FLATTEST_SLOPE);
    if (!this.#touched) {
      slid(this.#view, "exaggeration", Math.round((2 * TYPICAL_SLOPE) / typical) / 2 || 0.5);
      slid(this.#view, "heights", usualHeights(typical));
    }
    if (!first) return;
    this.#view.reference = { ...(this.#registration ?? centredPose(...this.#surfaces)) };
    this.#view.camera = this.#fitting();
    this.#start = structuredClone({ ...this.#view, ...LAID_NOTHING });
    if (this.#given) this.#view = mergedView(this.#view, this.#given);
    this.#given = null;
  }

  #fitting() {
    const { clientWidth: width, clientHeight: height } = this.#parts.stage;
    const pane = { width: HALVED.includes(this.#view.mode) ? width / 2 : width, height };
    return fittingCamera([[this.#surfaces[0], AT_REST], [this.#surfaces[1], this.#view.reference]], pane, width);
  }

  get #size() {
    return { width: this.#parts.stage.clientWidth, height: this.#parts.stage.clientHeight };
  }

  /** What acts on this element's state: see acts.js. */
  #desk() {
    const element = this;
    return {
      hand: this.#hand,
      get view() { return element.#view; },
      get size() { return element.#size; },
      get facts() { return { stage: element.#size, registration: element.#registration, cells: element.#cells }; },
      change: (act) => this.#change(act),
      busy: (busy) => this.#setBusy(busy),
      reset: () => this.#change(() => {
        const { mode, form, marks } = this.#view;
        this.#view = { ...structuredClone(this.#start), mode, form, marks };
        this.#view.camera = this.#fitting();
      }),
      form: (form) => {
        if (!this.#surfaces) return;
        this.#view.form = form;
        this.#load();
      },
      write: (index) => {
        this.#marks.show(this.#view, this.#hand);
        this.#marks.focus(index); // at once: whoever goes on typing means the mark
      },
    };
  }

  #setBusy(busy) {
    this.#busy = busy;
    this.toggleAttribute("data-dragging", busy);
    this.#redraw();
  }

  #change(act) {
    if (!this.#surfaces) return;
    act();
    this.#changed();
  }

  #changed() {
    this.#redraw();
    this.toggleAttribute("data-settling", true);
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      this.#redraw();
      this.#tell();
      this.toggleAttribute("data-settling", false);
      this.dispatchEvent(new CustomEvent("ffp-view", { detail: this.view, bubbles: true }));
    }, SETTLED_MS);
  }

  #redraw() {
    if (this.#surfaces) this.#frame ||= requestAnimationFrame(() => { this.#frame = 0; this.#drawNow(); });
  }

  #facts() {
    const unit = this.#surfaces.every((surface) => surface.measured) ? "um" : "px";
    const names = ["query", "reference"].map((name) => this.getAttribute(`label-${name}`) ?? this.#text(name));
    return {
      names,
      unit,
      registration: this.#registration,
      cells: this.#cells,
      surfaces: this.#surfaces,
      note: this.#note,
      text: this.#text,
      cursor: this.#chart.cursor,
      locale: this.closest("[lang]")?.lang || undefined,
    };
  }

  #tell() {
    const said = statusOf(this.#view, this.#facts(), this.#text);
    const { status } = this.#parts;
    if (this.dataset.state === "ready" && status.textContent !== said) status.textContent = said;
  }

  #drawNow(
    density = Math.min(window.devicePixelRatio, 2) * (this.#busy ? 0.5 : 1),
    moving = this.#busy || this.hasAttribute("data-settling"),
  ) {
    const { stage, divider } = this.#parts;
    this.#marks.show(this.#view, this.#hand);
    if (!this.#surfaces || !stage.clientWidth || !stage.clientHeight) return;
    if (["failed", "lost"].includes(this.dataset.state)) return;
    const facts = this.#facts();
    this.#chart.show(profilesOf(this.#view, facts));
    drawStage(this.#parts, this.#shading, this.#view, { ...facts, moving }, density);
    divider.hidden = this.#view.mode !== "split";
    divider.style.left = `${this.#view.divider * 100}%`;
    divider.setAttribute("aria-valuenow", String(Math.round(this.#view.divider * 100)));
    const { registration, cells, locale } = facts;
    showControls(this, this.#view, { registered: registration !== null, hasCells: cells.length > 0, locale });
  }

  /** Drivers are updated and cards fall asleep: what was drawn is drawn again once there is a context. */
  #lost(event) {
    event.preventDefault(); // else it is never restored
    this.#parts.status.textContent = this.#text("lost");
    this.#state("lost");
  }

  #restored() {
    this.#shading.prepare();
    this.#surfaces?.forEach((surface, side) => this.#shading.load(side, surface));
    this.#state(this.#surfaces ? "ready" : "loading");
    this.#drawNow();
    this.#tell();
  }

  #fallBack() {
    const address = this.getAttribute("fallback");
    if (!address) return this.#fail(this.#text("no-webgl2"));
    const picture = made("img", { class: "ffp-fallback", src: address, alt: this.#text("fallback-picture") });
    this.#parts.stage.replaceWith(picture);
    for (const button of this.querySelectorAll("button, input")) button.disabled = true;
    this.#parts.status.textContent = [this.#text("failed", { reason: this.#text("no-webgl2") }), this.#text("fallback")].join(" ");
    this.#state("fallback");
  }

  #fail(reason) {
    this.#parts.status.textContent = this.#text("failed", { reason });
    this.#state("failed");
  }

  #state(state) {
    this.dataset.state = state;
    this.setAttribute("aria-busy", String(state === "loading"));
    this.dispatchEvent(new CustomEvent("ffp-state", { detail: { state }, bubbles: true }));
  }
}

function parsedJson(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

customElements.define("ffp-comparison", Comparison);
