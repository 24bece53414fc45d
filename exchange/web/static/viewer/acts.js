// What hands, keys, buttons and the list of marks do, to whatever view lies on the desk at that time.

import { obey } from "./commands.js";
import { nudge, pan, turn, zoom } from "./moves.js";

const ZOOM_STEP = 1.2;
const TURN_STEP_DEG = 0.5;
const NUDGE_STEP_PX = 2;
const COARSE = { turn: 10, nudge: 12 }; // with the shift key held

/**
 * `desk`: {view, size: the stage's in CSS pixels, facts: as `obey` has them, hand, change(act): do it if there is
 * anything to see, move(act): the same while something moves, busy(dragging), reset(), undo(), redo(), form(name): fetch
 * another form of the heights, write(index): into the words of a mark, around(command): what is done to the workbench}.
 * Returns {onStage, onList: the acts of `listen` and of `MarkList`, command(name, {shift})}.
 */
export function actsOf(desk) {
  const { hand } = desk;
  const moving = (move) => (...how) => desk.move(() => move(desk.view, desk.size, ...how));

  const mark = (at) => desk.change(() => {
    if (desk.view.tool !== "mark") return;
    const index = hand.mark(desk.view, desk.size, at);
    if (index !== null && at === null) desk.write(index);
  });

  // with nothing marked yet, arrow keys move the view
  const step = moving((view, ...how) =>
    view.tool && (view.tool !== "mark" || view.marks.length) ? hand.step(view, ...how) : nudge(view, ...how));

  const command = (name, { shift = false } = {}) => {
    const { view } = desk;
    const degrees = TURN_STEP_DEG * (shift ? COARSE.turn : 1);
    const px = NUDGE_STEP_PX * (shift ? COARSE.nudge : 1);
    switch (name) {
      case "zoom-in": return moving(zoom)(ZOOM_STEP, null);
      case "zoom-out": return moving(zoom)(1 / ZOOM_STEP, null);
      case "turn-left": return moving(turn)(-degrees, null);
      case "turn-right": return moving(turn)(degrees, null);
      case "nudge-left": return step(-px, 0);
      case "nudge-right": return step(px, 0);
      case "nudge-up": return step(0, -px);
      case "nudge-down": return step(0, px);
      case "undo": return desk.undo();
      case "redo": return desk.redo();
      case "delete": return desk.change(() => view.tool === "mark" && hand.remove(view));
      case "next": return view.tool === "mark" ? mark(null) : desk.change(() => view.tool && hand.next(view));
      case "reset": return desk.reset();
      case "form": return desk.form(view.form === "raw" ? "filtered" : "raw");
      case "light": case "full": case "panel": case "keys": case "next-pair": case "previous-pair":
        return desk.around(name);
    }
    desk.change(() => {
      hand.empty();
      obey(view, name, desk.facts);
    });
  };

  const onStage = {
    pan: moving(pan),
    turn: moving(turn),
    zoom: moving(zoom),
    tool: () => desk.view.tool,
    take: moving((...how) => hand.take(...how)),
    hold: moving((...how) => hand.hold(...how)),
    tap: mark,
    busy: desk.busy,
    command,
  };

  const onList = {
    changed: (index, values) => desk.change(() => hand.change(desk.view, index, values)),
    removed: (index) => desk.change(() => hand.remove(desk.view, index)),
    chosen: (index) => hand.chose(index),
    kind: (kind) => desk.change(() => { hand.kind = kind; }),
  };

  return { onStage, onList, command };
}
