import type { XeroLinks, XeroOAuth } from '../domain/ports.js';
import { XeroRefusal } from '../domain/problems.js';
import type { TokenKeeper } from './tokens.js';

/** `DELETE /connections/{id}` and never the revocation, which would end every connection of that user (xero-api.md §5). */
export function createXeroLinks(deps: { tokens: TokenKeeper; oauth: Pick<XeroOAuth, 'endConnection'> }): XeroLinks {
  return {
    async end({ grantId, xeroConnectionId }) {
      try {
        await deps.oauth.endConnection(await deps.tokens.accessToken(grantId), xeroConnectionId);
      } catch (error) {
        if (!(error instanceof XeroRefusal && error.kind === 'authFailed')) throw error;
      }
    },
  };
}
