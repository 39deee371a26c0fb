/** Collects text as UTF-8. Encoding piece by piece keeps long answers out of the string heap. */
export class TextBuffer {
  private bytes = Buffer.allocUnsafe(64 * 1024);
  private used = 0;

  write(text: string): void {
    const most = text.length * 3;
    if (this.used + most > this.bytes.length) this.grow(most);
    this.used += this.bytes.write(text, this.used);
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.used + needed));
    this.bytes.copy(larger, 0, 0, this.used);
    this.bytes = larger;
  }
}
