import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caseOf, type SoakCase, ways } from '../../bench/soak/cases.js';
import { readUnderEdits } from '../../bench/soak/readUnderEdits.js';
import { type Simulator, startSimulator } from '../../simulator/index.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

let database: FreshDatabase;
let simulator: Simulator;
beforeAll(async () => {
  database = await freshDatabase();
  simulator = await startSimulator({ port: 0, demo: false });
});
afterAll(async () => {
  await simulator?.close();
  await database?.drop();
});

async function expectNothingLost(wish: SoakCase): Promise<void> {
  const { lost, left, edits, rows } = await readUnderEdits(database.pool, simulator.url, wish);
  const nothing = { missing: [], surplus: [], different: [] };
  expect(lost).toMatchObject(nothing);
  expect(left).toMatchObject(nothing);
  expect(rows).toBeGreaterThan(0);
  expect(edits).toBeGreaterThan(0);
}

const cases = ways.flatMap((way) => [1, 2].map((seed) => caseOf(way, seed)));

test.each(cases)('nothing is lost while people edit what is read: $stream, $way, seed $seed', (wish) =>
  expectNothingLost(wish),
);

describe.each([
  ['ifModifiedSinceInclusive', 'manualJournals'],
  ['notModifiedAs304', 'contacts'],
  ['deletedPaymentsComeBack', 'payments'],
] as const)('what Xero leaves open about %s loses nothing', (name, stream) => {
  const [wish] = ways
    .flatMap((way) => Array.from({ length: 8 }, (_, seed) => caseOf(way, seed)))
    .filter((each) => each.stream === stream);

  test.each([true, false])('when it is %s', (position) =>
    expectNothingLost({ ...(wish as SoakCase), switches: { ...(wish as SoakCase).switches, [name]: position } }),
  );
});
