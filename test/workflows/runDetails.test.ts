import { describe, expect, it } from 'vitest';
import { type Progress, readSoFar, runDetails } from '../../workflows/runDetails.js';

const progress: Progress = {
  company: '42',
  syncFromDate: { chosen: true, date: '2026-01-01' },
  doing: 'readingDocuments',
  waitsFor: null,
  stillFor: null,
  faults: [],
  more: [],
  payments: null,
  streams: {
    invoices: readSoFar({ records: 3000, expected: 9295, outcome: 'more', until: null }),
    contacts: readSoFar({ records: 1395, expected: 1395, outcome: 'complete', until: null }),
  },
};

describe('what support staff read of a run', () => {
  it('names the company, the Sync From Date, and how far each stream is, contacts first', () => {
    expect(runDetails(progress)).toBe(
      [
        '**Reading documents from the Sync From Date.**',
        'Company 42, Sync From Date: 2026-01-01',
        '- contacts: **1395** of 1395, complete\n- sales and purchase invoices: **3000** of 9295, being read',
      ].join('\n\n'),
    );
  });

  it('says what it waits for, and until when', () => {
    const asleep = {
      ...progress,
      doing: 'sleepingDailyLimit' as const,
      waitsFor: 'daily limit of Xero, until 2026-11-22',
    };
    expect(runDetails(asleep)).toContain('It goes on by itself.');
    expect(runDetails(asleep)).toContain('Waits for: daily limit of Xero, until 2026-11-22');
  });

  it('says that it stands still', () => {
    expect(runDetails({ ...progress, doing: 'stalled', stillFor: 25 })).toContain('No page was stored for 25 minutes.');
  });

  it('says when no Sync From Date was chosen, and when it is all history', () => {
    expect(runDetails({ ...progress, syncFromDate: { chosen: false, date: null } })).toContain('not chosen yet');
    expect(runDetails({ ...progress, syncFromDate: { chosen: true, date: null } })).toContain('all history');
  });
});
