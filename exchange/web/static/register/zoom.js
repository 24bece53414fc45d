// How near the canvas of the brush is seen: in steps, around what is in the middle, or where the wheel is.

const STEPS = [1, 1.5, 2, 3, 4, 6];
const MARGIN = 0.1; // of the view, within which the cursor of the keys is not left

/** `view` scrolls over `canvas`, which at the first step is seen whole. */
export function zooming(view, canvas) {
  let step = 0;

  function fit() {
    const room = Math.min(view.parentElement.clientWidth, canvas.width);
    const tall = 0.75 * window.innerHeight;
    return Math.min(room / canvas.width, tall / canvas.height, 1);
  }

  /** Keeps the place at `x`, `y`, shares of the view, where it is. */
  function to(next, x = 0.5, y = 0.5) {
    const [left, top] = [view.scrollLeft + x * view.clientWidth, view.scrollTop + y * view.clientHeight];
    const before = canvas.clientWidth || canvas.width;
    step = Math.min(STEPS.length - 1, Math.max(0, next));
    const wide = Math.round(fit() * canvas.width * STEPS[step]);
    view.style.width = `${Math.round(fit() * canvas.width)}px`;
    view.style.height = `${Math.round(fit() * canvas.height)}px`;
    canvas.style.width = `${wide}px`;
    const grown = wide / before;
    view.scrollTo(left * grown - x * view.clientWidth, top * grown - y * view.clientHeight);
  }

  view.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page or the view scrolls
    event.preventDefault();
    const box = view.getBoundingClientRect();
    to(step + (event.deltaY < 0 ? 1 : -1), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  view.addEventListener("pointermove", (event) => {
    const isMiddle = event.pointerType === "mouse" && event.buttons === 4;
    if (!isMiddle && (event.isPrimary || event.pointerType === "mouse")) return;
    view.scrollBy(-event.movementX, -event.movementY); // a second finger, or the middle button, moves it
  });

  to(0);
  return {
    by: (steps) => to(step + steps),
    whole: () => to(0),
    /** Scrolls until a place, in shares of the canvas, is seen. */
    show(x, y) {
      const [left, top] = [x * canvas.clientWidth, y * canvas.clientHeight];
      const [spareX, spareY] = [MARGIN * view.clientWidth, MARGIN * view.clientHeight];
      if (left < view.scrollLeft + spareX) view.scrollLeft = left - spareX;
      if (left > view.scrollLeft + view.clientWidth - spareX) view.scrollLeft = left + spareX - view.clientWidth;
      if (top < view.scrollTop + spareY) view.scrollTop = top - spareY;
      if (top > view.scrollTop + view.clientHeight - spareY) view.scrollTop = top + spareY - view.clientHeight;
    },
  };
}
