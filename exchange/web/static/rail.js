// The candidate rail: j or ] for the next candidate, k or [ for the one before. Not while somebody types; and what has
// the focus comes first: on the stage of the viewer the brackets turn the specimen.

const KEYS = { "j": "next", "]": "next", "k": "prev", "[": "prev" };

function typing(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

document.addEventListener("keydown", (event) => {
  const way = KEYS[event.key];
  if (!way || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  document.querySelector(`.rail a[rel=${way}]`)?.click();
});

/** Each picture is drawn by the node for this page: one after the other, and the stage comes first. */
async function drawThumbnails() {
  for (const image of document.querySelectorAll(".rail img[data-src]")) {
    await new Promise((resolve) => {
      image.addEventListener("load", resolve, { once: true });
      image.addEventListener("error", resolve, { once: true });
      image.src = image.dataset.src;
    });
  }
}

const stage = document.querySelector("ffp-comparison");
if (!stage || ["ready", "fallback", "failed"].includes(stage.dataset.state)) drawThumbnails();
else {
  const begun = new AbortController();
  stage.addEventListener("ffp-state", ({ detail }) => {
    if (detail.state === "loading") return;
    begun.abort();
    drawThumbnails();
  }, { signal: begun.signal });
}
