const BASE_MS = 50;
/** Worth of a full budget, and what one retry costs; a success pays one back. */
const BUDGET = 500;
const RETRY_COST = 5;

/** A wait before attempt `attempt` + 1, full jitter: anything between nothing and a limit that doubles each time. */
export function backoffMs(attempt: number, capMs: number, random: () => number = Math.random): number {
  return random() * Math.min(capMs, BASE_MS * 2 ** (attempt - 1));
}

/**
 * What all requests of one storage may spend on retries. While the service is down the budget runs out, and failures
 * are reported at once instead of adding load; successes fill it again.
 */
export class RetryBudget {
  #left = BUDGET;

  /** Takes the price of one retry; false where it cannot be paid. */
  take(): boolean {
    if (this.#left < RETRY_COST) {
      return false;
    }
    this.#left -= RETRY_COST;
    return true;
  }

  /** A request succeeded. */
  refill(): void {
    this.#left = Math.min(BUDGET, this.#left + 1);
  }
}
