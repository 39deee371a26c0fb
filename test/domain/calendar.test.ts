import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dateIn, isCalendarDate, startOfDay } from '../../domain/calendar.js';
import { splitRange } from '../../domain/dateRange.js';

describe('calendar dates', () => {
  it('are days that exist', () => {
    expect(['2024-02-29', '2026-12-31'].every(isCalendarDate)).toBe(true);
    expect(['2026-02-29', '2026-13-01', '2026-1-1', '01.02.2026', ''].some(isCalendarDate)).toBe(false);
  });

  it.each([
    ['2026-06-01', 'Pacific/Auckland', '2026-05-31T12:00:00.000Z'],
    ['2026-01-01', 'Pacific/Auckland', '2025-12-31T11:00:00.000Z'],
    ['2026-04-05', 'Pacific/Auckland', '2026-04-04T11:00:00.000Z'],
    ['2026-03-29', 'Europe/London', '2026-03-29T00:00:00.000Z'],
    ['2026-07-01', 'America/New_York', '2026-07-01T04:00:00.000Z'],
    ['2026-06-01', 'Pacific/Kiritimati', '2026-05-31T10:00:00.000Z'],
    ['2026-06-01', 'UTC', '2026-06-01T00:00:00.000Z'],
  ])('%s begins in %s at %s', (date, zone, instant) => {
    expect(startOfDay(date, zone).toISOString()).toBe(instant);
  });

  it('begin at the first instant at which a clock of the zone shows them', () => {
    const zones = ['Pacific/Auckland', 'Australia/Sydney', 'Europe/London', 'America/New_York', 'America/St_Johns'];
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3650 }), fc.constantFrom(...zones), (day, zone) => {
        const date = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10);
        const start = startOfDay(date, zone);
        expect(dateIn(zone, start)).toBe(date);
        expect(dateIn(zone, new Date(start.getTime() - 1)) < date).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a range of dates that holds too much', () => {
  it('splits into two that meet and cover the same days, down to single days', () => {
    const ranges = [
      { from: null, before: null },
      { from: '2026-01-01', before: null },
      { from: null, before: '2020-01-01' },
      { from: '2026-01-01', before: '2026-01-03' },
    ];
    for (const range of ranges) {
      const [later, earlier] = splitRange(range, '2026-11-21') ?? [];
      expect(later?.before).toBe(range.before);
      expect(earlier?.from).toBe(range.from);
      expect(earlier?.before).toBe(later?.from);
    }
    expect(splitRange({ from: '2026-01-01', before: '2026-01-02' }, '2026-11-21')).toBeNull();
  });
});
