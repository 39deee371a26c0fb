import { type BookkeepingPorts, createBookkeepingActivities } from './bookkeeping.js';
import { createMappingActivities, type MappingPorts } from './mappings.js';
import { createReadingActivities, type ReadingPorts } from './reading.js';
import { createReferenceActivities } from './references.js';

/** All activities, with what they need from the outside injected. */
export function createActivities(ports: ReadingPorts & BookkeepingPorts & MappingPorts) {
  return {
    ...createReadingActivities(ports),
    ...createReferenceActivities(ports),
    ...createBookkeepingActivities(ports),
    ...createMappingActivities(ports),
  };
}

export type ReadingActivities = ReturnType<typeof createReadingActivities> &
  ReturnType<typeof createReferenceActivities>;
export type BookkeepingActivities = ReturnType<typeof createBookkeepingActivities>;
export type MappingActivities = ReturnType<typeof createMappingActivities>;
