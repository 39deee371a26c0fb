/** From "connect this company" over the consent in Xero to a bound organisation whose first full read is under way. */
import type { FastifyBaseLogger } from 'fastify';
import type { ConnectionCode } from '../domain/codes.js';
import { isLiving } from '../domain/connection.js';
import type { AskedBy, Connection, ConsentedOrganisation } from '../domain/ports.js';
import { XeroFault, XeroRefusal } from '../domain/problems.js';
import { nobody } from './askedBy.js';
import type { ApiDeps } from './deps.js';
import { startBackfill } from './startBackfill.js';
import { startSync } from './startSync.js';
import { tellConnections } from './tellConnections.js';

const consentLifetimeMs = 10 * 60_000;

/** How a callback ended. `invalid`: the state is unknown, used up or too old. */
export type ConsentOutcome =
  | { kind: 'connected'; connection: Connection; organisation: string; started: boolean; returnUrl: string | null }
  | { kind: 'choose'; connection: Connection; organisations: string[]; returnUrl: string | null }
  | { kind: 'refused'; code: ConnectionCode; missingScopes: string[] }
  | { kind: 'invalid' }
  | { kind: 'xeroAway' };

/** Whose request it is. */
export interface Caller {
  log: FastifyBaseLogger;
  askedBy: AskedBy;
}

type Consented = Awaited<ReturnType<ApiDeps['oauth']['exchange']>>;

/** Where the customer consents, and what opens the consent once the connection is stored. */
export async function prepareConsent(
  deps: Pick<ApiDeps, 'consents' | 'oauth' | 'scopesFor' | 'newSecret'>,
  { direction, optionalStreams }: Pick<Connection, 'direction' | 'optionalStreams'>,
): Promise<{ consentUrl: string; open(connectionId: string, returnUrl: string | null): Promise<void> }> {
  const state = deps.newSecret();
  const codeVerifier = deps.newSecret();
  const scopes = deps.scopesFor(direction, optionalStreams);
  const consentUrl = await deps.oauth.consentUrl({ state, codeVerifier, scopes });
  return {
    consentUrl,
    open: (connectionId, returnUrl) =>
      deps.consents.open({ state, codeVerifier, connectionId, returnUrl, lifetimeMs: consentLifetimeMs }),
  };
}

/** Takes what Xero's redirect brought. The state is used up whatever happens next. */
export async function completeConsent(
  deps: ApiDeps,
  query: Readonly<Record<string, string>>,
  log: FastifyBaseLogger,
): Promise<ConsentOutcome> {
  const { state } = query;
  const consent = state ? await deps.consents.use(state) : null;
  const connection = consent && (await deps.connections.get(consent.connectionId));
  if (!state || !consent || !connection) return { kind: 'invalid' };
  if (!query.code) return refuse(deps, connection, 'consent_denied');

  const consented = await exchanged(deps, query, { state, codeVerifier: consent.codeVerifier }, log);
  if (consented === 'away') return { kind: 'xeroAway' };
  if (consented === 'refused') return { kind: 'invalid' };

  const outcome = await settle(deps, connection, consented, log);
  return outcome.kind === 'refused' ? outcome : { ...outcome, returnUrl: consent.returnUrl };
}

/**
 * Binds one organisation of a consent and starts the first full read. A refused one is given back to Xero by its own
 * link only, and only if no connection lives by it: ending more would disconnect others.
 * @param caller whose request it is; its log is told what went wrong beside the matter, which the answer does not depend on.
 */
export async function bindOrganisation(
  deps: ApiDeps,
  connection: Connection,
  organisation: ConsentedOrganisation,
  grant: { id: string; accessToken: string },
  caller: Caller,
): Promise<{ kind: 'bound'; started: boolean } | { kind: 'refused'; code: ConnectionCode }> {
  const code = await deps.connections.bindOrganisation(connection.id, organisation, grant.id);
  if (code !== 'bound') {
    await deps.connections.recordError(connection.id, code);
    await giveBack(deps, grant.accessToken, [organisation], caller.log);
    return { kind: 'refused', code };
  }
  return { kind: 'bound', started: await startIfNeeded(deps, connection, caller) };
}

type Settled =
  | { kind: 'connected'; connection: Connection; organisation: string; started: boolean }
  | { kind: 'choose'; connection: Connection; organisations: string[] }
  | { kind: 'refused'; code: ConnectionCode; missingScopes: string[] };

async function settle(
  deps: ApiDeps,
  connection: Connection,
  consented: Consented,
  log: FastifyBaseLogger,
): Promise<Settled> {
  const { tokens, organisations, scopes } = consented;
  const refused = async (code: ConnectionCode, missingScopes: string[] = []) => {
    await giveBack(deps, tokens.accessToken, organisations, log);
    return refuse(deps, connection, code, missingScopes);
  };

  const missing = deps.missingScopes(connection.direction, scopes);
  if (missing.length > 0) return refused('scopes_missing', missing);
  if (organisations.length === 0) return refused('consent_denied');
  const organisation = theOneMeant(connection, organisations);
  if (organisation === 'another') return refused('organisation_mismatch');

  const grantId = deps.newId();
  await deps.grants.create({ id: grantId, tokens, scopes });
  if (organisation === 'toBeChosen') {
    const offered = await deps.connections.offerOrganisations(connection.id, grantId, organisations);
    if (!offered) return refused('organisation_mismatch');
    return { kind: 'choose', connection, organisations: organisations.map(({ name }) => name) };
  }
  const bound = await bindOrganisation(
    deps,
    connection,
    organisation,
    { id: grantId, accessToken: tokens.accessToken },
    { log, askedBy: nobody },
  );
  if (bound.kind === 'refused') return { ...bound, missingScopes: [] };
  return { kind: 'connected', connection, organisation: organisation.name, started: bound.started };
}

/** A connection that had an organisation goes on with that one, whatever else the consent covers. */
function theOneMeant(
  connection: Connection,
  organisations: readonly ConsentedOrganisation[],
): ConsentedOrganisation | 'another' | 'toBeChosen' {
  const bound = connection.organisation?.id;
  if (bound !== undefined) return organisations.find(({ tenantId }) => tenantId === bound) ?? 'another';
  const [only, ...more] = organisations;
  return only !== undefined && more.length === 0 ? only : 'toBeChosen';
}

async function exchanged(
  deps: Pick<ApiDeps, 'oauth'>,
  query: Readonly<Record<string, string>>,
  expected: { state: string; codeVerifier: string },
  log: FastifyBaseLogger,
): Promise<Consented | 'away' | 'refused'> {
  try {
    return await deps.oauth.exchange(query, expected);
  } catch (error) {
    if (!(error instanceof XeroFault || error instanceof XeroRefusal)) throw error;
    log.warn({ err: error }, 'the code of a consent could not be exchanged');
    // Any other refusal is of our app (e.g. its secret), not of this consent.
    return error instanceof XeroRefusal && error.kind === 'authFailed' ? 'refused' : 'away';
  }
}

async function refuse(
  deps: Pick<ApiDeps, 'connections'>,
  connection: Connection,
  code: ConnectionCode,
  missingScopes: string[] = [],
): Promise<Settled & { kind: 'refused' }> {
  await deps.connections.recordError(connection.id, code);
  return { kind: 'refused', code, missingScopes };
}

export async function giveBack(
  deps: Pick<ApiDeps, 'connections' | 'oauth'>,
  accessToken: string,
  organisations: readonly ConsentedOrganisation[],
  log: FastifyBaseLogger,
): Promise<void> {
  for (const { xeroConnectionId } of organisations) {
    if (await deps.connections.usesXeroConnection(xeroConnectionId)) continue;
    await deps.oauth
      .endConnection(accessToken, xeroConnectionId)
      .catch((error: unknown) => log.warn({ err: error }, 'a refused link could not be given back to Xero'));
  }
}

/**
 * The first full read, or, where that was done, what changed since. A connection that lives all along only has a new
 * grant. A bound one stays bound when Temporal is away: housekeeping starts what is owed.
 * @param connection as it was before the consent.
 */
async function startIfNeeded(deps: ApiDeps, connection: Connection, { log, askedBy }: Caller): Promise<boolean> {
  const { backfilledAt, status } = connection;
  try {
    await deps.schedules.keep(connection.id);
    // What the consent before had in hand may still be ending.
    const asked = { askedBy, ...(!isLiving(status) && { inPlaceOf: 'anyInHand' as const }) };
    if (backfilledAt !== null) await startSync(deps, connection, { mode: 'incremental', streams: null, ...asked });
    else await startBackfill(deps, connection, asked);
    // The first full reads of its other locations may be waiting for this one.
    await tellConnections(deps, connection.companyId);
    return true;
  } catch (error) {
    log.error({ err: error }, 'the reading after a consent could not be started');
    return false;
  }
}
