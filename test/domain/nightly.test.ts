import { describe, expect, it } from 'vitest';
import { nextNightly, nightlyOf } from '../../domain/nightly.js';

const next = (timeZone: string, now: string, at = '04:00'): string | undefined =>
  nextNightly({ at, timeZone, paused: false }, new Date(now))?.toISOString();

describe('the nightly sync', () => {
  it.each([
    ['Pacific/Auckland', '2026-07-01T00:00:00Z', '2026-07-01T16:00:00.000Z'],
    ['Australia/Sydney', '2026-07-01T00:00:00Z', '2026-07-01T18:00:00.000Z'],
    ['Europe/London', '2026-07-01T12:00:00Z', '2026-07-02T03:00:00.000Z'],
    ['America/New_York', '2026-07-01T12:00:00Z', '2026-07-02T08:00:00.000Z'],
  ])('comes at the time of day of %s', (timeZone, now, expected) => {
    expect(next(timeZone, now)).toBe(expected);
  });

  it.each([
    ['London, clocks forward', 'Europe/London', '2026-03-28T12:00:00Z', '2026-03-29T03:00:00.000Z'],
    ['London, clocks back', 'Europe/London', '2026-10-24T12:00:00Z', '2026-10-25T04:00:00.000Z'],
    ['New York, clocks forward', 'America/New_York', '2026-03-07T18:00:00Z', '2026-03-08T08:00:00.000Z'],
    ['New York, clocks back', 'America/New_York', '2026-10-31T18:00:00Z', '2026-11-01T09:00:00.000Z'],
    ['Auckland, clocks forward', 'Pacific/Auckland', '2026-09-26T00:00:00Z', '2026-09-26T15:00:00.000Z'],
    ['Auckland, clocks back', 'Pacific/Auckland', '2026-04-04T00:00:00Z', '2026-04-04T16:00:00.000Z'],
    ['Sydney, clocks back', 'Australia/Sydney', '2026-04-04T00:00:00Z', '2026-04-04T18:00:00.000Z'],
    [
      'Lord Howe, clocks back by half an hour',
      'Australia/Lord_Howe',
      '2026-04-04T00:00:00Z',
      '2026-04-04T17:30:00.000Z',
    ],
  ])('keeps its time of day through %s', (_what, timeZone, now, expected) => {
    expect(next(timeZone, now)).toBe(expected);
  });

  it('comes on the leap day, and on the day after it', () => {
    expect(next('Europe/London', '2028-02-28T12:00:00Z')).toBe('2028-02-29T04:00:00.000Z');
    expect(next('Europe/London', '2028-02-29T12:00:00Z')).toBe('2028-03-01T04:00:00.000Z');
  });

  it('comes today while its time is still to come', () => {
    expect(next('Europe/London', '2026-07-01T02:59:59Z')).toBe('2026-07-01T03:00:00.000Z');
    expect(next('Europe/London', '2026-07-01T03:00:00Z')).toBe('2026-07-02T03:00:00.000Z');
  });

  it('goes with its connection: from the binding until the disconnect, paused while Xero refuses it', () => {
    const organisation = { timeZone: 'Europe/London' };
    const of = (status: Parameters<typeof nightlyOf>[0]['status']) => nightlyOf({ status, organisation }, '04:00');
    expect(of('pending')).toBeNull();
    expect(of('disconnected')).toBeNull();
    expect(of('awaitingAccountCodes')).toEqual({ at: '04:00', timeZone: 'Europe/London', paused: false });
    expect(of('active')).toEqual({ at: '04:00', timeZone: 'Europe/London', paused: false });
    expect(of('authFailed')).toEqual({ at: '04:00', timeZone: 'Europe/London', paused: true });
    expect(nextNightly({ at: '04:00', timeZone: 'UTC', paused: true }, new Date())).toBeNull();
  });

  it('is in UTC until the time zone of the organisation was read', () => {
    expect(nightlyOf({ status: 'syncingContacts', organisation: { timeZone: null } }, '04:00')?.timeZone).toBe('UTC');
  });
});
