// Which camera shows all that was measured, and what becomes of a camera when the stage takes another size.

import { AT_REST, fittingCamera } from "./frame.js";
import { paneSize } from "./panes.js";
import { clamped } from "./view.js";

export class Fitting {
  #parts;
  #fitted = null;

  /** `parts`: {stage, toolbar, extras}. */
  constructor(parts) {
    this.#parts = parts;
  }

  /** The stage's, in CSS pixels. */
  get size() {
    return { width: this.#parts.stage.clientWidth, height: this.#parts.stage.clientHeight };
  }

  /** How much of the stage lies under the tools, where these lie over it. */
  get top() {
    return this.#over(this.#parts.toolbar);
  }

  /** As `top`, with what is open beside the tools. */
  get underAll() {
    return Math.max(this.top, this.#over(this.#parts.extras));
  }

  /** Show all that was measured, below the tools. */
  fit(view, surfaces) {
    const { width } = this.size;
    const { top } = this;
    const whole = paneSize(view, this.size);
    const pane = { ...whole, height: whole.height - top };
    const camera = fittingCamera([[surfaces[0], AT_REST], [surfaces[1], view.reference]], pane, width);
    camera.y_um -= (top / 2) * (camera.field_um / width);
    view.camera = camera;
    this.#fitted = { ...camera };
  }

  /** Whether nobody has moved the view since it was fitted. */
  holds(view) {
    return this.#fitted !== null && JSON.stringify(this.#fitted) === JSON.stringify(view.camera);
  }

  /** The stage took another size: all is shown again. What a person moved stays in the middle, as much of it across. */
  resized(view, surfaces) {
    const { width, height } = this.size;
    if (width && height && this.holds(view)) this.fit(view, surfaces);
  }

  #over(part) {
    const { stage } = this.#parts;
    const box = part.getBoundingClientRect();
    return box.height ? clamped(box.bottom - stage.getBoundingClientRect().top, [0, stage.clientHeight / 2]) : 0;
  }
}
