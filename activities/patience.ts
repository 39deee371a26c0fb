/** How long reading waits after a fault, and when it gives up. Faults are counted in a row, without a page between. */
export interface Patience {
  /** Wait after the first fault; doubled with each that follows. */
  firstWaitMs: number;
  longestWaitMs: number;
  /** Wait while an organisation is offline for Xero's own maintenance. */
  offlineWaitMs: number;
  /** So many faults in a row end the reading of the stream with `xero_unavailable`. */
  mostFaults: number;
  /**
   * So long after a write was sent, what Xero does not have then it never will: it has forgotten the call's Idempotency-Key
   * (xero-api.md §3), and whatever was on its way has arrived.
   */
  absentAfterMs: number;
}

/** About two hours of a Xero that does not answer, and about eight of an organisation that is offline. */
export const defaultPatience: Patience = {
  firstWaitMs: 1000,
  longestWaitMs: 300_000,
  offlineWaitMs: 900_000,
  mostFaults: 32,
  absentAfterMs: 360_000,
};

export function waitAfter(patience: Patience, faults: number, offline: boolean): number {
  if (offline) return patience.offlineWaitMs;
  return Math.min(patience.longestWaitMs, patience.firstWaitMs * 2 ** Math.max(0, faults - 1));
}
