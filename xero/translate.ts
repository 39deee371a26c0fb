/** What Xero's status codes, headers and error bodies mean, said once for everything beyond this border (xero-api.md §1–3). */
import type { AnsweredLimits } from '../domain/ports.js';
import { type LimitName, MustWait, XeroFault, XeroRefusal } from '../domain/problems.js';
import type { HttpAnswer } from './http.js';

export type Outcome =
  | { kind: 'body'; text: string }
  /** 304: nothing changed. */
  | { kind: 'unchanged' }
  /** The access token is not taken any more; a new one may be. */
  | { kind: 'staleToken' }
  | { kind: 'problem'; problem: MustWait | XeroFault | XeroRefusal };

/** The outcome of an answered call that ought to bring a JSON object. Never throws. */
export function outcomeOf(answer: HttpAnswer): Outcome {
  const { status } = answer;
  if (answer.cut !== null) return problem(new XeroFault(answer.cut, status));
  if (status === 304) return { kind: 'unchanged' };
  if (status === 200) return objectOf(answer);
  if (status === 429) return problem(mustWait(answer.headers));
  if (status === 401) return unauthorised(answer);
  if (status === 403) return problem(new XeroRefusal('authFailed', status));
  if (status === 404) return problem(new XeroRefusal('notFound', status));
  if (status === 503 && /organisation is offline/i.test(answer.text)) return problem(new XeroFault('offline', status));
  if (status >= 400 && status < 500) return problem(new XeroRefusal(badRequestKind(answer), status));
  return problem(new XeroFault('unavailable', status));
}

/** The limits that an answer's headers tell; all null where a proxy answered in Xero's place. */
export function limitsOf({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>): AnsweredLimits {
  return {
    minuteRemaining: wholeNumber(headers.get('x-minlimit-remaining')),
    dayRemaining: wholeNumber(headers.get('x-daylimit-remaining')),
    appMinuteRemaining: wholeNumber(headers.get('x-appminlimit-remaining')),
    refused:
      status === 429
        ? { limit: limitRefused(headers), retryAfterSeconds: wholeNumber(headers.get('retry-after')) }
        : null,
  };
}

function problem(reason: MustWait | XeroFault | XeroRefusal): Outcome {
  return { kind: 'problem', problem: reason };
}

/**
 * A page is not parsed here: Postgres does that, and refuses what is broken inside. This finds an answer that is no JSON
 * object at all (a proxy's HTML) or ends too early without the connection having shown it.
 */
function objectOf({ text, status }: HttpAnswer): Outcome {
  const whole = text.trimStart().startsWith('{') && text.trimEnd().endsWith('}');
  return whole ? { kind: 'body', text } : problem(new XeroFault('badAnswer', status));
}

/** Milliseconds to wait where Xero names no time: it names none for `concurrent`, and perhaps none for the app's minute. */
const unnamedWait: Record<LimitName, number> = {
  concurrent: 1000,
  minute: 10_000,
  appminute: 10_000,
  day: 3_600_000,
};

function mustWait(headers: Headers): MustWait {
  const limit = limitRefused(headers);
  const seconds = wholeNumber(headers.get('retry-after'));
  // Whole seconds, rounded we do not know which way.
  return new MustWait(limit, seconds === null ? unnamedWait[limit] : (seconds + 1) * 1000);
}

const limitNames: readonly LimitName[] = ['minute', 'day', 'concurrent', 'appminute'];

function limitRefused(headers: Headers): LimitName {
  const named = headers.get('x-rate-limit-problem')?.trim().toLowerCase();
  const limit = limitNames.find((name) => name === named);
  if (limit !== undefined) return limit;
  const seconds = wholeNumber(headers.get('retry-after'));
  if (seconds === null) return 'concurrent';
  return seconds > 60 ? 'day' : 'minute';
}

function unauthorised({ headers, text, status }: HttpAnswer): Outcome {
  const lacksScope =
    /insufficient_scope/i.test(headers.get('www-authenticate') ?? '') || /AuthorizationUnsuccessful/i.test(text);
  return lacksScope ? problem(new XeroRefusal('scopeMissing', status)) : { kind: 'staleToken' };
}

/** ErrorNumber of a list that is too large to be read without a filter. */
const highVolume = 51;

function badRequestKind({ text, status }: HttpAnswer): 'highVolume' | 'badRequest' {
  return status === 400 && errorNumber(text) === highVolume ? 'highVolume' : 'badRequest';
}

function errorNumber(text: string): unknown {
  try {
    return (JSON.parse(text) as { ErrorNumber?: unknown } | null)?.ErrorNumber;
  } catch {
    return undefined;
  }
}

function wholeNumber(header: string | null): number | null {
  return header !== null && /^\s*\d{1,15}\s*$/.test(header) ? Number(header) : null;
}
