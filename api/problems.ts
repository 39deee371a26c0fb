/** Every answer that is not what was asked for: RFC 9457 `application/problem+json` with a code of the closed lists. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { type ConnectionCode, connectionCodes, type RequestCode, requestCodes } from '../domain/codes.js';
import { InvalidCursor, PositionGone, WishRefused } from '../domain/ports.js';
import { MustWait, XeroFault } from '../domain/problems.js';
import { InvalidSettings } from '../domain/settings.js';
import { isAway } from './away.js';
import type { ProblemBody } from './schemas/problem.js';

export type ProblemCode = RequestCode | ConnectionCode;

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem that is its answer. */
    problemCode: string | null;
  }
}

export interface FieldFault {
  /** Dotted path within the body or the query. */
  field: string;
  message: string;
}

export interface ProblemExtras {
  /** What is special about this one time. */
  detail?: string;
  errors?: FieldFault[];
  /** The id of what stands in the way. */
  existing?: string;
  retryAfterSeconds?: number;
}

/** Thrown by a route; becomes the answer. */
export class Problem extends Error {
  constructor(
    readonly statusCode: number,
    readonly code: ProblemCode,
    readonly extras: ProblemExtras = {},
  ) {
    super(explanationOf(code).message);
    this.name = 'Problem';
  }
}

export const notFound = (): Problem => new Problem(404, 'not_found');
export const forbiddenBy = (code: ProblemCode, extras: ProblemExtras = {}): Problem => new Problem(409, code, extras);
export const invalid = (...errors: FieldFault[]): Problem => new Problem(422, 'invalid_request', { errors });

/** How long to wait before asking again when a part of the service is away. */
const awaySeconds = 5;

/** Fastify's own refusals, by its codes. */
const frameworkProblems: Readonly<Record<string, () => Problem>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => new Problem(400, 'invalid_json'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new Problem(400, 'invalid_request'),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new Problem(413, 'body_too_large'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => new Problem(415, 'unsupported_media_type'),
  FST_ERR_BAD_URL: () => new Problem(404, 'not_found'),
  FST_ERR_MAX_PARAM_LENGTH: () => new Problem(404, 'not_found'),
  FST_UNDER_PRESSURE: () => new Problem(503, 'unavailable', { retryAfterSeconds: awaySeconds }),
};

/** Answers any error as a problem. What is not understood is logged whole and told as `internal`, nothing more. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = problemOf(error);
  if (problem.statusCode >= 500) request.log.error({ err: error }, 'request failed');
  return answerProblem(problem, request, reply);
}

export function answerProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  request.problemCode = problem.code;
  const { retryAfterSeconds } = problem.extras;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (problem.statusCode === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(problem.statusCode)
    .header('x-request-id', request.id)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(bodyOf(problem, request.id)));
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return invalidBySchema(error);
  if (error instanceof InvalidCursor) return invalid({ field: 'cursor', message: 'is not a cursor of this list' });
  if (error instanceof PositionGone) return new Problem(410, 'position_gone');
  if (error instanceof WishRefused) return forbiddenBy(error.reason);
  if (error instanceof InvalidSettings) return invalid(...error.faults);
  if (error instanceof XeroFault) return new Problem(503, 'xero_unavailable', { retryAfterSeconds: awaySeconds });
  if (error instanceof MustWait) {
    return new Problem(503, 'unavailable', { retryAfterSeconds: Math.max(1, Math.ceil(error.waitMs / 1000)) });
  }
  if (isAway(error)) return new Problem(503, 'unavailable', { retryAfterSeconds: awaySeconds });
  return frameworkProblem(error as Partial<FastifyError> | null) ?? new Problem(500, 'internal');
}

function frameworkProblem(error: Partial<FastifyError> | null): Problem | null {
  const known = frameworkProblems[error?.code ?? ''];
  if (known) return known();
  const status = error?.statusCode ?? 500;
  return status >= 400 && status < 500 ? new Problem(status, 'invalid_request') : null;
}

/** A path that does not fit its pattern names nothing that could exist; a body or a query is faulted by field. */
function invalidBySchema(error: { validation: SchemaFault[] } & object): Problem {
  if ('validationContext' in error && error.validationContext === 'params') return notFound();
  return invalid(...error.validation.flatMap(faultsOf));
}

interface SchemaFault {
  instancePath: string;
  message?: string | undefined;
  /** Of `unrecognized_keys`. */
  params?: { keys?: string[] };
}

/** A field that does not exist is named itself, not the object it was sent in. */
function faultsOf({ instancePath, message, params }: SchemaFault): FieldFault[] {
  const field = instancePath.slice(1).replaceAll('/', '.');
  if (params?.keys) {
    const prefix = field === '' ? '' : `${field}.`;
    return params.keys.map((key) => ({ field: `${prefix}${key}`, message: 'does not exist' }));
  }
  return [{ field, message: message ?? 'is not valid' }];
}

function bodyOf(problem: Problem, requestId: string): ProblemBody {
  const { message, remedy } = explanationOf(problem.code);
  const { detail, errors, existing } = problem.extras;
  return {
    type: `urn:nightledger:problem:${problem.code}`,
    title: message,
    status: problem.statusCode,
    ...(detail !== undefined && { detail }),
    code: problem.code,
    remedy,
    ...(errors !== undefined && { errors }),
    ...(existing !== undefined && { existing }),
    requestId,
  };
}

function explanationOf(code: ProblemCode): { message: string; remedy: string } {
  return code in requestCodes ? requestCodes[code as RequestCode] : connectionCodes[code as ConnectionCode];
}
