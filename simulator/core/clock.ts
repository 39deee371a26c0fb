/** The simulator's clock: the machine's, moved by an offset that the control API sets. */
export class Clock {
  offsetMs = 0;

  now(): number {
    return Date.now() + this.offsetMs;
  }
}
