// Work on a pair that was not saved yet. It outlives the way to the next pair, a signature and a reload: in this tab alone,
// for the one who did it, and no longer than a day's work. It is gone when they sign out or somebody else signs in.

const PREFIX = "ffp-kept ";
const MOST_PAIRS = 40;
const LONGEST_MS = 12 * 3600 * 1000;

/** What this tab stores; null where the browser forbids it, and nothing is kept. */
function store() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

const namesIn = (kept) => Object.keys(kept).filter((name) => name.startsWith(PREFIX));

/** Forget what everybody else kept in this tab; without an owner, everybody. */
export function forgetKept(owner = null) {
  const kept = store();
  if (!kept) return;
  for (const name of namesIn(kept)) {
    if (owner === null || !name.startsWith(`${PREFIX}${owner} `)) kept.removeItem(name);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What one person keeps of one pair. */
export class KeptWork {
  #name;

  constructor(owner, pair) {
    this.#name = `${PREFIX}${owner} ${pair}`;
  }

  /** {at: when it was kept, in milliseconds, view}; null for none, or one that is too old. */
  read() {
    const found = parsed(store()?.getItem(this.#name) ?? null);
    const fresh = found && Date.now() - found.at < LONGEST_MS;
    if (found && !fresh) this.forget();
    return fresh ? found : null;
  }

  write(view) {
    const kept = store();
    if (!kept) return;
    try {
      kept.setItem(this.#name, JSON.stringify({ at: Date.now(), view }));
    } catch {
      return; // no room: what is on the stage stays on the stage
    }
    const at = (name) => parsed(kept.getItem(name))?.at ?? 0;
    const names = namesIn(kept).sort((one, other) => at(one) - at(other));
    for (const name of names.slice(0, -MOST_PAIRS)) kept.removeItem(name);
  }

  forget() {
    store()?.removeItem(this.#name);
  }
}
