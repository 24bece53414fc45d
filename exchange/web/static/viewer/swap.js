// A view seen from the other side: what was the query is the reference, and every place is told in its frame.

import { fromStage, turned, upTo180 } from "./frame.js";

const OTHER = { query: "reference", reference: "query" };

/** The same view for a stage whose query is the reference of this one. */
export function swappedView(view) {
  const pose = view.reference;
  const there = (x, y) => fromStage(pose, [x, y]);
  const places = (flat) => flat && flat.flatMap((_, i) => (i % 2 ? [] : there(flat[i], flat[i + 1])));
  const [dx, dy] = turned(-pose.dx_um, -pose.dy_um, -pose.angle_deg);
  const [x, y] = there(view.camera.x_um, view.camera.y_um);
  return {
    ...view,
    camera: { ...view.camera, x_um: x, y_um: y, angle_deg: upTo180(view.camera.angle_deg + pose.angle_deg) },
    reference: { dx_um: dx, dy_um: dy, angle_deg: upTo180(-pose.angle_deg) },
    divider: 1 - view.divider,
    mix: 1 - view.mix,
    measure: places(view.measure),
    measured_on: OTHER[view.measured_on] ?? null,
    angle: places(view.angle),
    profile: places(view.profile),
    marks: view.marks.map((mark) => {
      const [mx, my] = there(mark.x_um, mark.y_um);
      return { ...mark, x_um: mx, y_um: my };
    }),
  };
}
