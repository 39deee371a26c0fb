/** Every workflow of the reading queue, for the worker's bundle. */
export { initialBackfill } from './initialBackfill.js';
