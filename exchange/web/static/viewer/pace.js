// How finely the stage is drawn while something moves: as finely as this machine keeps up with. At rest it is drawn in full.

const SHARES = [1, 0.75, 0.5, 0.375, 0.25, 0.1875]; // of the pixels along each side
const BEGINS_AT = 2;
const SLOW_MS = 29; // thirty pictures a second take 33
const FAST_MS = 19;
const PAUSE_MS = 200; // longer than that, and nobody moved
const SLOW_FRAMES = 3;
const FAST_FRAMES = 24;

export class Pace {
  #at = BEGINS_AT;
  #finest = 0;
  #last = null;
  #slow = 0;
  #fast = 0;

  get share() {
    return SHARES[this.#at];
  }

  /** A hand comes down: the time before it counts for nothing. */
  begin() {
    this.#last = null;
    this.#slow = this.#fast = 0;
  }

  /** A picture is drawn now, milliseconds. */
  frame(now) {
    const took = this.#last === null ? null : now - this.#last;
    this.#last = now;
    if (took === null || took > PAUSE_MS) return;
    this.#slow = took > SLOW_MS ? this.#slow + 1 : Math.max(0, this.#slow - 1);
    this.#fast = took < FAST_MS ? this.#fast + 1 : 0;
    if (this.#slow >= SLOW_FRAMES) this.#go(Math.min(this.#at + 1, SHARES.length - 1));
    else if (this.#fast >= FAST_FRAMES && this.#at > this.#finest) this.#go(this.#at - 1);
  }

  /** What was too fine once is not tried again: else it goes to and fro. */
  #go(to) {
    if (to > this.#at) this.#finest = to;
    this.#at = to;
    this.#slow = this.#fast = 0;
  }
}
