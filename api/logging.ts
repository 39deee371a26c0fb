/** What is logged of a request: enough to find it again, and no secret. */
import type { FastifyRequest, FastifyServerOptions } from 'fastify';
import type { LogTarget } from './deps.js';

/** Query values that open something: OAuth's code and state. */
const secretQuery = /([?&](?:code|state)=)[^&#]*/gi;

export function loggerOptions(target: LogTarget): Exclude<FastifyServerOptions['logger'], boolean | undefined> {
  return {
    level: target.level,
    ...(target.stream && { stream: target.stream }),
    // Only what stands here is logged of a request and of an error; the rest is a second fence.
    serializers: { req: describeRequest, err: describeError },
    redact: {
      paths: [
        'authorization',
        '*.authorization',
        '*.headers.authorization',
        'code',
        'state',
        '*.state',
        '*.codeVerifier',
      ],
      censor: '…',
    },
  };
}

function describeRequest(request: FastifyRequest) {
  return { method: request.method, url: request.url.replace(secretQuery, '$1…'), remoteAddress: request.ip };
}

/** The fields beside an error's own (pg's `detail`, an HTTP client's `config`) may hold a customer's words or a token. */
function describeError(error: Error) {
  const code = 'code' in error ? String(error.code) : undefined;
  return {
    type: error.name,
    message: error.message,
    stack: error.stack ?? '',
    ...(code !== undefined && { reason: code }),
  };
}
