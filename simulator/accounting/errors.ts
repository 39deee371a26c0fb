import { newGuid } from '../core/guid.js';

/** An answer other than 200, exactly as it goes over the wire (xero-api.md §3). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
    readonly contentType: string | undefined,
    readonly headers: Record<string, string> = {},
  ) {
    super(`${status}`);
  }
}

const JSON_TYPE = 'application/json; charset=utf-8';

const problem = (status: number, title: string, detail: string, headers: Record<string, string> = {}): Refusal => {
  const body = { Type: null, Title: title, Status: status, Detail: detail, Instance: newGuid(), Extensions: {} };
  return new Refusal(status, JSON.stringify(body), JSON_TYPE, headers);
};

export const badToken = (): Refusal =>
  problem(401, 'Unauthorized', 'AuthenticationUnsuccessful', { 'www-authenticate': 'Bearer error=invalid_token' });

export function expiredToken(expiredAt: number): Refusal {
  const [date = '', time = ''] = new Date(expiredAt).toISOString().slice(0, 19).split('T');
  const [year, month, day] = date.split('-');
  const detail = `TokenExpired: token expired at ${month}/${day}/${year} ${time}`;
  return problem(401, 'Unauthorized', detail, { 'www-authenticate': 'Bearer error=invalid_token' });
}

export const missingScope = (): Refusal =>
  problem(401, 'Unauthorized', 'AuthorizationUnsuccessful', { 'www-authenticate': 'insufficient_scope' });

export const wrongOrganisation = (): Refusal => problem(403, 'Forbidden', 'AuthenticationUnsuccessful');

export const notFound = (): Refusal =>
  new Refusal(404, 'The resource you&#39;re looking for cannot be found', 'text/html; charset=utf-8');

export const tooManyCalls = (kind: string, retryAfter: number | undefined): Refusal =>
  new Refusal(429, '', undefined, {
    'X-Rate-Limit-Problem': kind,
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
  });

export const internalError = (): Refusal => {
  const body = {
    Title: 'An error occurred',
    Detail: 'An error occurred in Xero. Check the API Status page',
    Status: 500,
  };
  return new Refusal(500, JSON.stringify(body), JSON_TYPE);
};

/** The plain texts that a 503 comes with. */
export const UNAVAILABLE = {
  offline: 'The Organisation is offline',
  maintenance: 'The Xero API is currently offline for maintenance',
  unavailable: 'The Xero API is temporarily unavailable',
} as const;

export const unavailable = (text: string): Refusal => new Refusal(503, text, 'text/plain; charset=utf-8');

const badRequest = (number: number, type: string, message: string): Refusal =>
  new Refusal(400, JSON.stringify({ ErrorNumber: number, Type: type, Message: message }), JSON_TYPE);

export const queryParseException = (message: string): Refusal => badRequest(16, 'QueryParseException', message);

export const highVolume = (endpoint: string): Refusal =>
  badRequest(
    51,
    'HighVolumeException',
    `This request is not filtering ${endpoint} efficiently for an organisation of this size. Please filter by date.`,
  );

/** Elements of a write were refused; each echoes what was sent, with its reasons. */
export const validationException = (elements: string[]): Refusal =>
  new Refusal(
    400,
    `{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred","Elements":[${elements.join(',')}]}`,
    JSON_TYPE,
  );

export const postDataInvalid = (): Refusal => badRequest(14, 'PostDataInvalidException', 'Invalid Json data');

export const noData = (collection: string): Refusal =>
  badRequest(
    17,
    'NoDataProcessedException',
    `No data has been processed for this endpoint. This endpoint is expecting ${collection} data to be specifed in the request body.`,
  );

export const tooManyElements = (collection: string, largest: number): Refusal =>
  badRequest(10, 'ValidationException', `At most ${largest} ${collection} can be written in one call`);

export const keyTooLong = (largest: number): Refusal =>
  problem(400, 'Bad Request', `Idempotency Key: must not be longer than ${largest} characters.`);

export const keyUsedOtherwise = (key: string): Refusal =>
  problem(400, 'Bad Request', `Idempotency Key: ${key} is used with a different request.`);
