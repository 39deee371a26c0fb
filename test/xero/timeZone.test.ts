import { describe, expect, it } from 'vitest';
import { TimeZone } from 'xero-node';
import { ianaTimeZone } from '../../xero/timeZone.js';

describe('time zones', () => {
  it('of every name that Xero lists are known to this runtime', () => {
    const names = Object.keys(TimeZone).filter((name) => Number.isNaN(Number(name)));
    expect(names.length).toBeGreaterThan(130);
    for (const name of names) {
      const zone = ianaTimeZone(name);
      expect(() => new Intl.DateTimeFormat('en', { timeZone: zone }), name).not.toThrow();
      if (name !== 'UTC') expect(zone, name).not.toBe('UTC');
    }
  });

  it('have the name that people know, and UTC where Xero’s is unknown', () => {
    expect(ianaTimeZone('NEWZEALANDSTANDARDTIME')).toBe('Pacific/Auckland');
    expect(ianaTimeZone('GMTSTANDARDTIME')).toBe('Europe/London');
    expect(ianaTimeZone('SOMENEWTIME')).toBe('UTC');
    expect(ianaTimeZone(undefined)).toBe('UTC');
  });
});
