import { ENDPOINTS } from '../accounting/endpoints.js';

const IDENTITY_SCOPES = ['openid', 'profile', 'email', 'offline_access'];

/** Scopes from before March 2026, and what each covers (xero-api.md §5). */
const BROAD_SCOPES: Record<string, string[]> = {
  'accounting.transactions': [
    'accounting.invoices',
    'accounting.payments',
    'accounting.banktransactions',
    'accounting.manualjournals',
  ],
};

const granular = new Set(ENDPOINTS.map(({ scope }) => scope));

const withoutRead = (scope: string): string => scope.replace(/\.read$/, '');

/** The scopes of a request that no app can have. */
export function unknownScopes(scopes: string[], broadAllowed: boolean): string[] {
  return scopes.filter((scope) => {
    if (IDENTITY_SCOPES.includes(scope)) return false;
    if (scope === 'accounting.journals') return true;
    return !granular.has(withoutRead(scope)) && !(broadAllowed && withoutRead(scope) in BROAD_SCOPES);
  });
}

/** Whether a token's scopes let it read (or write) what `needed` protects. */
export function allows(scopes: string[], needed: string, access: 'read' | 'write'): boolean {
  return scopes.some((scope) => {
    const covered = BROAD_SCOPES[withoutRead(scope)] ?? [withoutRead(scope)];
    return covered.includes(needed) && (access === 'read' || !scope.endsWith('.read'));
  });
}
