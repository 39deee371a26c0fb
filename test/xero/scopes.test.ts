import { describe, expect, it } from 'vitest';
import { missingScopes, scopesFor } from '../../xero/scopes.js';

describe('scopes', () => {
  it('of an import allow nothing to be written', () => {
    const scopes = scopesFor('import').filter((scope) => scope !== 'offline_access');
    expect(scopes.every((scope) => scope.endsWith('.read'))).toBe(true);
    expect(scopesFor('import')).toContain('offline_access');
  });

  it('of two-way write what is pushed and only read the rest', () => {
    const scopes = scopesFor('two-way');
    expect(scopes).toContain('accounting.invoices');
    expect(scopes).toContain('accounting.banktransactions.read');
  });

  it('of journals are asked for only where journals were chosen', () => {
    expect(scopesFor('import')).not.toContain('accounting.journals.read');
    expect(scopesFor('import', ['quotes', 'journals'])).toEqual([...scopesFor('import'), 'accounting.journals.read']);
  });

  it('that are missing are named; optional ones are not missed, and writing includes reading', () => {
    expect(missingScopes('import', scopesFor('two-way'))).toEqual([]);
    expect(missingScopes('two-way', scopesFor('import'))).toContain('accounting.contacts');
    const without = scopesFor('import').filter((scope) => scope !== 'accounting.payments.read');
    expect(missingScopes('import', without)).toEqual(['accounting.payments.read']);
  });
});
