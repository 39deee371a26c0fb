/** The permissions that a consent asks for: the least that the direction needs (xero-api.md §5). */
import type { Direction } from '../domain/connection.js';
import type { StreamName } from '../domain/streams.js';

const readOnly = ['accounting.banktransactions.read', 'accounting.manualjournals.read'];

/** Areas that an import only reads and two-way also writes. Items are settings to Xero. */
const areas = ['accounting.contacts', 'accounting.settings', 'accounting.invoices', 'accounting.payments'];

/** What single streams need. Granted or not, the connection works: without it the stream is reported unavailable. */
const ofStream: Partial<Record<StreamName, string>> = { journals: 'accounting.journals.read' };

const required: Readonly<Record<Direction, readonly string[]>> = {
  import: [...areas.map((area) => `${area}.read`), ...readOnly, 'offline_access'],
  'two-way': [...areas, ...readOnly, 'offline_access'],
};

/**
 * Scopes for the consent page.
 * @param chosen the optional streams that the connection reads.
 */
export function scopesFor(direction: Direction, chosen: readonly StreamName[] = []): string[] {
  return [...required[direction], ...chosen.flatMap((stream) => ofStream[stream] ?? [])];
}

/** Required scopes that the consent lacks. A scope that allows writing includes reading. */
export function missingScopes(direction: Direction, granted: readonly string[]): string[] {
  return required[direction].filter((scope) => !granted.includes(scope) && !granted.includes(writing(scope)));
}

function writing(scope: string): string {
  return scope.replace(/\.read$/, '');
}
