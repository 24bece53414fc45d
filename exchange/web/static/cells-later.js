// Cells that nobody had asked for when the page was made: the node finds them while one looks at the stage already.

import { patiently } from "./viewer/patience.js";

const AGAIN_MS = 3000;
const TRIES = 5; // while its processes are busy

/** Brings them to the viewer, and to each place of the page that tells how many there are. */
export async function bringCells(viewer) {
  const address = viewer.getAttribute("cells-later");
  viewer.removeAttribute("cells-later"); // once
  for (let tries = 0; address && viewer.isConnected && tries < TRIES; tries++) {
    if (tries) await new Promise((over) => setTimeout(over, AGAIN_MS));
    const answer = await patiently(() => fetch(address, { headers: { Accept: "application/json" } })).catch(() => null);
    const found = answer?.ok ? await answer.json() : null;
    if (!found?.comparison) continue;
    viewer.setAttribute("comparison", found.comparison);
    for (const part of document.querySelectorAll("[data-cells]")) part.textContent = found.said;
    return;
  }
}
