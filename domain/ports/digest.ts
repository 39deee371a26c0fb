/** A digest of texts, in their order: equal only for the same ones. */
export interface Digest {
  add(text: string): void;
  value(): string;
}
export type NewDigest = () => Digest;
