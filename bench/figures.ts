/** How figures are written: beside what they should be. */
export interface Figure {
  what: string;
  value: string;
  /** Null where there is none: the figure is only told. */
  aim: string | null;
  met: boolean;
}

const width = 34;

export function lineOf({ what, value, aim, met }: Figure): string {
  if (aim === null) return `told    ${what.padEnd(width)}  ${value}`;
  return `${met ? 'met   ' : 'missed'}  ${what.padEnd(width)}  ${value}  (aim: ${aim})`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The value that so many of a hundred do not exceed. */
export function percentile(values: readonly number[], of: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((of / 100) * sorted.length) - 1)] ?? Number.NaN;
}

/** `median (least to most)`. */
export function spread(values: readonly number[], digits = 0): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)];
  return `${middle.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}
