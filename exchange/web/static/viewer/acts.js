// What hands, keys, buttons and the list of marks do, to whatever view lies on the desk at that time.

import { obey } from "./commands.js";
import { nudge, pan, turn, zoom } from "./moves.js";

/**
 * `desk`: {view, size: the stage's in CSS pixels, facts: as `obey` has them, hand, change(act): do it if there is
 * anything to see, busy(dragging), reset(), form(name): fetch another form of the heights, write(index): into the words of
 * a mark}. Returns {onStage, onList: the acts of `listen` and of `MarkList`, command(name)}.
 */
export function actsOf(desk) {
  const { hand } = desk;
  const moving = (move) => (...how) => desk.change(() => move(desk.view, desk.size, ...how));

  const mark = (at) => desk.change(() => {
    if (desk.view.tool !== "mark") return;
    const index = hand.mark(desk.view, desk.size, at);
    if (index !== null && at === null) desk.write(index);
  });

  const command = (name) => {
    const { view } = desk;
    switch (name) {
      case "undo": return desk.change(() => hand.undo(view));
      case "delete": return desk.change(() => view.tool === "mark" && hand.remove(view));
      case "next": return view.tool === "mark" ? mark(null) : desk.change(() => view.tool && hand.next(view));
      case "reset": return desk.reset();
      case "form": return desk.form(view.form === "raw" ? "filtered" : "raw");
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
    // with nothing marked yet, arrow keys move the view
    nudge: moving((view, ...how) =>
      view.tool && (view.tool !== "mark" || view.marks.length) ? hand.step(view, ...how) : nudge(view, ...how)),
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
    undo: () => command("undo"),
    chosen: (index) => hand.chose(index),
    kind: (kind) => desk.change(() => { hand.kind = kind; }),
  };

  return { onStage, onList, command };
}
