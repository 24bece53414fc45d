// The candidate rail: its thumbnails; and j for the next candidate, k for the one before, where there is no viewer that
// listens to keys. Not while somebody types.

const KEYS = { "j": "next", "k": "prev" };

const stage = document.querySelector("ffp-comparison");

function typing(target) {
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

if (!stage) {
  document.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (!way || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    document.querySelector(`.rail a[rel=${way}]`)?.click();
  });
}

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

if (!stage || ["ready", "fallback", "failed"].includes(stage.dataset.state)) drawThumbnails();
else {
  const begun = new AbortController();
  stage.addEventListener("ffp-state", ({ detail }) => {
    if (detail.state === "loading") return;
    begun.abort();
    drawThumbnails();
  }, { signal: begun.signal });
}
