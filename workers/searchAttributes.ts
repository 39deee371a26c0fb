import { searchAttributes } from '../domain/names.js';

/** The search attributes that a Temporal namespace needs, as its tools name the types. */
export const searchAttributeTypes = {
  [searchAttributes.company]: 'Keyword',
  [searchAttributes.connection]: 'Keyword',
  [searchAttributes.state]: 'Keyword',
  [searchAttributes.sleepingUntil]: 'Datetime',
} as const;
