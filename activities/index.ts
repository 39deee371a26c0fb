import { type BookkeepingPorts, createBookkeepingActivities } from './bookkeeping.js';
import { createHousekeepingActivities, type HousekeepingPorts } from './housekeeping.js';
import { createReadingActivities, type ReadingPorts } from './reading.js';
import { createReferenceActivities } from './references.js';

/** All activities, with what they need from the outside injected. */
export function createActivities(ports: ReadingPorts & BookkeepingPorts & HousekeepingPorts) {
  return {
    ...createReadingActivities(ports),
    ...createReferenceActivities(ports),
    ...createBookkeepingActivities(ports),
    ...createHousekeepingActivities(ports),
  };
}

export type ReadingActivities = ReturnType<typeof createReadingActivities> &
  ReturnType<typeof createReferenceActivities>;
export type BookkeepingActivities = ReturnType<typeof createBookkeepingActivities>;
export type HousekeepingActivities = ReturnType<typeof createHousekeepingActivities>;
