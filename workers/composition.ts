import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { createPaymentCallback } from '../callbacks/callback.js';
import type { Config } from '../config/config.js';
import { createApiKeys } from '../db/apiKeys.js';
import { createAudit } from '../db/audit.js';
import { createCallBudget } from '../db/budget.js';
import { createCallbackSecrets } from '../db/callbackSecrets.js';
import { createCompanies } from '../db/companies.js';
import { createConnections } from '../db/connections.js';
import { createConsents } from '../db/consents.js';
import { createDeletion } from '../db/deletion.js';
import { createDocuments } from '../db/documents.js';
import { createExports } from '../db/exports.js';
import { createFeed } from '../db/feed.js';
import { createFigures } from '../db/figures.js';
import { createGrants } from '../db/grants.js';
import { createKeptAnswers } from '../db/keptAnswers.js';
import { createLocations } from '../db/locations.js';
import { createMirror } from '../db/mirror.js';
import { createOutbox } from '../db/outbox.js';
import { createOutboxBells } from '../db/outboxBells.js';
import { createPaymentImports } from '../db/paymentImports.js';
import { createPreviews } from '../db/previews.js';
import { createPushFacts } from '../db/pushFacts.js';
import { createReconciliation } from '../db/reconciliation.js';
import { createRuns } from '../db/runs.js';
import { createSealing, type Sealing } from '../db/sealing.js';
import { createSettings } from '../db/settings.js';
import { createTombstones } from '../db/tombstones.js';
import { createWebhookEvents } from '../db/webhooks.js';
import { createWrites } from '../db/writes.js';
import type { NewDigest } from '../domain/ports.js';
import { createCharts } from '../xero/chart.js';
import { createXeroLinks } from '../xero/links.js';
import { createXeroOAuth } from '../xero/oauth.js';
import { organisationFacts } from '../xero/organisationFacts.js';
import { createXeroReader } from '../xero/reader.js';
import { createTokenKeeper } from '../xero/tokens.js';
import { createXeroWriter } from '../xero/writer.js';

/** Something that the service cannot run without is not configured; the message is for the person who starts it. */
export class IncompleteConfig extends Error {
  constructor(variable: string) {
    super(`${variable} is not set: a service of its own needs it (see .env.example); "npm start" needs nothing.`);
    this.name = 'IncompleteConfig';
  }
}

/** The database's address. @throws IncompleteConfig */
export function databaseUrl(config: Config): string {
  if (config.databaseUrl === null) throw new IncompleteConfig('DATABASE_URL');
  return config.databaseUrl;
}

/** What both the API and the workers use, put together once for a process. @throws IncompleteConfig */
export function compose(config: Config, pool: pg.Pool) {
  const sealing = sealingOf(config);
  const tombstones = createTombstones(sealing);
  const mirror = createMirror(pool);
  const grants = createGrants(pool, sealing);
  const oauth = createXeroOAuth({ ...clientOf(config), ...xeroUrls(config) });
  const tokens = createTokenKeeper({ grants, oauth });
  const charts = createCharts(mirror);
  const budget = createCallBudget(pool, { minuteMs: config.xero.minuteWindowMs, dayMs: config.xero.dayWindowMs });
  return {
    companies: createCompanies(pool),
    connections: createConnections(pool, tombstones),
    locations: createLocations(pool),
    deletion: createDeletion(pool, tombstones),
    documents: createDocuments(pool),
    outbox: createOutbox(pool),
    pushFacts: createPushFacts(pool, charts),
    outboxBells: createOutboxBells(pool),
    writes: createWrites(pool),
    consents: createConsents(pool, sealing),
    apiKeys: createApiKeys(pool),
    audit: createAudit(pool),
    keptAnswers: createKeptAnswers(pool, sealing),
    feed: createFeed(pool),
    figures: createFigures(pool),
    runs: createRuns(pool),
    mirror,
    reconciliation: createReconciliation(pool),
    previews: createPreviews(pool),
    exports: createExports(pool),
    settings: createSettings(pool),
    payments: createPaymentImports(pool, tombstones),
    callback: createPaymentCallback({ allowLoopback: config.callbacksOnLoopback }),
    callbackSecrets: createCallbackSecrets(pool, sealing),
    webhookEvents: createWebhookEvents(pool),
    charts,
    grants,
    oauth,
    links: createXeroLinks({ tokens, oauth }),
    tokens,
    budget,
    xero: createXeroReader({ budget, tokens, apiUrl: config.xero.apiUrl }),
    writer: createXeroWriter({ budget, tokens, apiUrl: config.xero.apiUrl }),
    organisationFacts,
    digest,
    newId: () => randomUUID(),
    newSecret: () => randomBytes(32).toString('base64url'),
    now: () => new Date(),
  };
}

const digest: NewDigest = () => {
  const hash = createHash('sha256');
  return {
    add(text) {
      hash.update(text).update('\n');
    },
    value: () => hash.digest('base64url'),
  };
};

/** What seals and opens the secrets in the database. @throws IncompleteConfig */
export function sealingOf(config: Config): Sealing {
  const [current] = config.tokenKeys;
  if (!current) throw new IncompleteConfig('NIGHTLEDGER_TOKEN_KEYS');
  return createSealing({
    current: current.id,
    keys: Object.fromEntries(config.tokenKeys.map(({ id, key }) => [id, key])),
  });
}

function clientOf({ xero }: Config) {
  if (!xero.client) throw new IncompleteConfig('XERO_CLIENT_ID');
  return { clientId: xero.client.id, clientSecret: xero.client.secret, redirectUri: xero.redirectUri };
}

function xeroUrls({ xero }: Config) {
  return {
    issuerUrls: { issuer: xero.issuerUrl, authorize: xero.authorizeUrl, token: xero.tokenUrl },
    apiUrl: xero.apiUrl,
  };
}
