/** Access tokens: the stored one while it is good, otherwise one refresh at a time in all processes (xero-api.md §5). */
import { setTimeout as delay } from 'node:timers/promises';
import type { Grants, StoredGrant, XeroOAuth } from '../domain/ports.js';
import { XeroFault, XeroRefusal } from '../domain/problems.js';

export interface TokenKeeper {
  /**
   * An access token of the grant, good for another minute.
   * @param options.notThisOne a token that Xero refused: refreshes only if the stored one is still that one.
   * @throws XeroRefusal `authFailed` when the grant is dead or gone: a person has to consent again. XeroFault when Xero's
   *   token endpoint cannot be had, or another process's refresh did not end in time.
   */
  accessToken(grantId: string, options?: { notThisOne?: string }): Promise<string>;
}

export interface TokenKeeperDeps {
  grants: Grants;
  oauth: Pick<XeroOAuth, 'refresh'>;
  now?: () => Date;
  /**
   * Milliseconds that one refresh may take; above the deadline of the token endpoint. When its process dies, the next one
   * begins after that, with the old refresh token, which Xero takes for another 30 minutes.
   */
  leaseMs?: number;
}

/** Milliseconds that a token must still be good for: the longest call. */
const goodForMs = 60_000;

export function createTokenKeeper(deps: TokenKeeperDeps): TokenKeeper {
  const { grants, oauth, now = () => new Date(), leaseMs = 30_000 } = deps;

  const isGood = ({ tokens }: StoredGrant, notThisOne: string | undefined): boolean =>
    tokens.accessToken !== notThisOne && Date.parse(tokens.expiresAt) - now().getTime() > goodForMs;

  const living = async (grantId: string): Promise<StoredGrant> => {
    const grant = await grants.load(grantId);
    if (grant === null || !grant.alive) throw new XeroRefusal('authFailed', 401);
    return grant;
  };

  /** The lease is ours. Whatever happened, the caller looks at the row again. */
  const refresh = async ({ id, version, tokens }: StoredGrant): Promise<void> => {
    try {
      await grants.saveTokens(id, version, await oauth.refresh(tokens.refreshToken));
    } catch (error) {
      if (!isDeadly(error)) {
        await grants.endRefreshLease(id, version);
        throw error;
      }
      // Harmless where another process has refreshed meanwhile: it marks the version that was read, and no other.
      await grants.markDead(id, version);
    }
  };

  return {
    async accessToken(grantId, { notThisOne } = {}) {
      // Others may die with the lease in hand; two leases and a bit are enough to see one of them out.
      const giveUpAt = performance.now() + 2 * leaseMs + 5000;
      while (performance.now() < giveUpAt) {
        const grant = await living(grantId);
        if (isGood(grant, notThisOne)) return grant.tokens.accessToken;
        const lease = await grants.takeRefreshLease(grantId, grant.version, leaseMs);
        if (lease === 'taken') await refresh(grant);
        if (lease === 'busy') await delay(50 + Math.random() * 150);
      }
      throw new XeroFault('timeout');
    },
  };
}

function isDeadly(error: unknown): boolean {
  return error instanceof XeroRefusal && error.kind === 'authFailed';
}
