/** Every workflow of the reading queue, for the worker's bundle. */
export { housekeeping } from './housekeeping.js';
export { initialBackfill } from './initialBackfill.js';
