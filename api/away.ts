/** Tells that Postgres or Temporal is away from an error that went wrong on its own. */
import { isGrpcServiceError } from '@temporalio/client';

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

/** Postgres: connection exceptions (08), insufficient resources (53), operator intervention (57). */
const postgresAway = /^(08|53|57)[0-9A-Z]{3}$/;

/** pg gives these no code. */
const postgresMessages = [
  'Connection terminated',
  'timeout exceeded when trying to connect',
  'Client has encountered a connection error',
];

/** gRPC: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const temporalAway = new Set([4, 8, 14]);

/** Looks along the chain of causes, since the clients wrap what the network said. */
export function isAway(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (isGrpcServiceError(at) && temporalAway.has(at.code)) return true;
    const code = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && (networkCodes.has(code) || postgresAway.test(code))) return true;
    const { message } = at;
    if (postgresMessages.some((words) => message.includes(words))) return true;
  }
  return false;
}
