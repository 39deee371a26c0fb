/** What the checks look for, by subject. */
export * from './faults/books.js';
export * from './faults/contacts.js';
export type { Fault } from './faults/fault.js';
export * from './faults/parents.js';
export * from './faults/scope.js';
export * from './faults/standing.js';
