// A node that has more to do than it can do in time says with 429 when to come again. Nothing was lost; the same is asked.

const USUAL_S = 5;

/** How long to wait before the same is asked again, in milliseconds; null when the answer does not say that. */
export function awayMs(answer) {
  return answer.status === 429 ? 1000 * (Number(answer.headers.get("Retry-After")) || USUAL_S) : null;
}

/** The answer of `ask`, which is called again as often, and as late, as the node wants. */
export async function patiently(ask) {
  for (;;) {
    const answer = await ask();
    const away = awayMs(answer);
    if (away === null) return answer;
    await new Promise((resolve) => setTimeout(resolve, away));
  }
}
