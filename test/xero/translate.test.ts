import { describe, expect, it } from 'vitest';
import { MustWait, XeroFault, XeroRefusal } from '../../domain/problems.js';
import type { HttpAnswer } from '../../xero/http.js';
import { limitsOf, outcomeOf } from '../../xero/translate.js';

function answer(status: number, text = '', headers: Record<string, string> = {}, cut: HttpAnswer['cut'] = null) {
  return { status, text, headers: new Headers(headers), bytes: text.length, cut };
}

const problemOf = (given: HttpAnswer) => {
  const outcome = outcomeOf(given);
  return outcome.kind === 'problem' ? outcome.problem : outcome.kind;
};

describe('a refusal for a limit', () => {
  it.each([
    ['Minute', '26', 'minute', 27_000],
    ['DAY', '66975', 'day', 66_976_000],
    ['concurrent', null, 'concurrent', 1000],
    ['AppMinute', null, 'appminute', 10_000],
    [null, '30', 'minute', 31_000],
    [null, '4000', 'day', 4_001_000],
    [null, null, 'concurrent', 1000],
  ])('X-Rate-Limit-Problem %s with Retry-After %s is a wait for %s', (named, retryAfter, limit, waitMs) => {
    const headers = {
      ...(named === null ? {} : { 'X-Rate-Limit-Problem': named }),
      ...(retryAfter === null ? {} : { 'Retry-After': retryAfter }),
    };
    const problem = problemOf(answer(429, '', headers));
    expect(problem).toBeInstanceOf(MustWait);
    expect(problem).toMatchObject({ limit, waitMs });
    expect(limitsOf(answer(429, '', headers)).refused).toEqual({
      limit,
      retryAfterSeconds: retryAfter === null ? null : Number(retryAfter),
    });
  });
});

describe('the limits in the headers', () => {
  it('are read from every answer, and null where one is missing or no number', () => {
    const headers = { 'X-DayLimit-Remaining': '4999', 'X-MinLimit-Remaining': 'x' };
    expect(limitsOf(answer(200, '{}', headers))).toEqual({
      minuteRemaining: null,
      dayRemaining: 4999,
      appMinuteRemaining: null,
      refused: null,
    });
  });
});

describe('a 401', () => {
  const body = (detail: string) => JSON.stringify({ Type: null, Title: 'Unauthorized', Status: 401, Detail: detail });

  it('of an invalid or an expired token asks for a new one', () => {
    const invalid = answer(401, body('AuthenticationUnsuccessful'), {
      'www-authenticate': 'Bearer error=invalid_token',
    });
    expect(outcomeOf(invalid)).toEqual({ kind: 'staleToken' });
    const expired = answer(401, body('TokenExpired: token expired at 10/01/2026 10:00:00'));
    expect(outcomeOf(expired)).toEqual({ kind: 'staleToken' });
  });

  it('of a missing scope is a refusal: a new token has no more scopes', () => {
    for (const given of [
      answer(401, body('AuthorizationUnsuccessful')),
      answer(401, '', { 'www-authenticate': 'insufficient_scope' }),
    ]) {
      expect(problemOf(given)).toMatchObject({ kind: 'scopeMissing' });
    }
  });
});

describe('other statuses', () => {
  const highVolume =
    '{"ErrorNumber":51,"Type":"HighVolumeException","Message":"…is not filtering Invoices efficiently…"}';
  const parse = '{"ErrorNumber":16,"Type":"QueryParseException","Message":"…"}';
  it.each([
    [403, '{"Title":"Forbidden"}', XeroRefusal, 'authFailed'],
    [404, '<html></html>', XeroRefusal, 'notFound'],
    [400, highVolume, XeroRefusal, 'highVolume'],
    [400, parse, XeroRefusal, 'badRequest'],
    [400, 'not JSON', XeroRefusal, 'badRequest'],
    [500, '{"Title":"An error occurred"}', XeroFault, 'unavailable'],
    [502, '<html></html>', XeroFault, 'unavailable'],
    [503, 'The Organisation is offline', XeroFault, 'offline'],
    [503, 'The Xero API is currently offline for maintenance', XeroFault, 'unavailable'],
    [302, '', XeroFault, 'unavailable'],
  ])('%i %s', (status, text, type, kind) => {
    const problem = problemOf(answer(status, text));
    expect(problem).toBeInstanceOf(type);
    expect(problem).toMatchObject({ kind, status });
  });

  it('304 is no change', () => {
    expect(outcomeOf(answer(304))).toEqual({ kind: 'unchanged' });
  });

  it('a 200 that is no whole JSON object is a bad answer, whatever the reason', () => {
    expect(outcomeOf(answer(200, ' {"Contacts":[]}\n'))).toMatchObject({ kind: 'body' });
    for (const text of ['', '<html></html>', '{"Contacts":[{"Name":"A', 'null']) {
      expect(problemOf(answer(200, text))).toMatchObject({ kind: 'badAnswer', status: 200 });
    }
    expect(problemOf(answer(200, '', {}, 'network'))).toMatchObject({ kind: 'network', status: 200 });
  });

  it('no error repeats a word of Xero’s', () => {
    for (const status of [400, 401, 403, 404, 429, 500, 503]) {
      const problem = problemOf(answer(status, '{"Detail":"AuthorizationUnsuccessful Jane Doe"}'));
      expect(JSON.stringify(problem) + String(problem)).not.toContain('Jane');
    }
  });
});
