import { type BookkeepingPorts, createBookkeepingActivities } from './bookkeeping.js';
import { createReadingActivities, type ReadingPorts } from './reading.js';

/** All activities, with what they need from the outside injected. */
export function createActivities(ports: ReadingPorts & BookkeepingPorts) {
  return { ...createReadingActivities(ports), ...createBookkeepingActivities(ports) };
}

export type ReadingActivities = ReturnType<typeof createReadingActivities>;
export type BookkeepingActivities = ReturnType<typeof createBookkeepingActivities>;
