import { expect, test } from 'vitest';
import { isMonth, rangeOfMonth, reconciledKinds } from '../../domain/reconciliation.js';
import { streams } from '../../domain/streams.js';

test.each([
  ['2026-01', '2026-01-01', '2026-02-01'],
  ['2026-02', '2026-02-01', '2026-03-01'],
  ['2028-02', '2028-02-01', '2028-03-01'],
  ['2026-04', '2026-04-01', '2026-05-01'],
  ['2026-12', '2026-12-01', '2027-01-01'],
])('%s is from its first day to before the next month', (month, from, before) => {
  expect(rangeOfMonth(month, null)).toEqual({ from, before });
});

test('a month begins with the Sync From Date where that lies in it, and is nothing before it', () => {
  expect(rangeOfMonth('2026-05', '2026-05-31')).toEqual({ from: '2026-05-31', before: '2026-06-01' });
  expect(rangeOfMonth('2026-05', '2026-05-01')?.from).toBe('2026-05-01');
  expect(rangeOfMonth('2026-05', '2026-04-30')?.from).toBe('2026-05-01');
  expect(rangeOfMonth('2026-05', '2026-06-01')).toBeNull();
});

test('a month is one that exists', () => {
  expect(['2026-01', '2026-12'].every(isMonth)).toBe(true);
  expect(['2026-00', '2026-13', '2026-1', '26-01', '2026-01-01', '2026', ''].some(isMonth)).toBe(false);
});

test('every kind is of a stream that Xero gives by date', () => {
  for (const { stream } of Object.values(reconciledKinds)) expect(streams[stream].dateFilter).not.toBeNull();
});
