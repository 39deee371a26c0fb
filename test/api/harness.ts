/** The API on real Postgres; Temporal and Xero's OAuth are small fakes, so that a test can say what they answer. */
import { randomBytes, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { createDeletionActivities } from '../../activities/deletion.js';
import { type ApiDeps, buildApi } from '../../api/app.js';
import type { BackfillControl, BackfillStart, StartedRun, WorkflowRun } from '../../api/backfillControl.js';
import type { DeletionControl } from '../../api/deletionControl.js';
import { createMetrics } from '../../api/metrics.js';
import type { OutboxControl } from '../../api/outboxControl.js';
import type { PaymentRunControl, PaymentRunStart } from '../../api/paymentRunControl.js';
import type { ReviewControl, ReviewStart } from '../../api/reviewControl.js';
import type { SyncControl, SyncStart } from '../../api/syncControl.js';
import type { WebhookControl } from '../../api/webhookControl.js';
import { createPaymentCallback } from '../../callbacks/callback.js';
import { createApiKeys } from '../../db/apiKeys.js';
import { createAudit } from '../../db/audit.js';
import { createCallBudget } from '../../db/budget.js';
import { createCallbackSecrets } from '../../db/callbackSecrets.js';
import { createCompanies } from '../../db/companies.js';
import { createConnections } from '../../db/connections.js';
import { createConsents } from '../../db/consents.js';
import { createDeletion } from '../../db/deletion.js';
import { createDocuments } from '../../db/documents.js';
import { createExports } from '../../db/exports.js';
import { createFeed } from '../../db/feed.js';
import { createFeedBell } from '../../db/feedBell.js';
import { createFigures } from '../../db/figures.js';
import { createGrants } from '../../db/grants.js';
import { createKeptAnswers } from '../../db/keptAnswers.js';
import { createLocations } from '../../db/locations.js';
import { createMirror } from '../../db/mirror.js';
import { createOutboxBells } from '../../db/outboxBells.js';
import { createPaymentImports } from '../../db/paymentImports.js';
import { createPreviews } from '../../db/previews.js';
import { createReconciliation } from '../../db/reconciliation.js';
import { createRuns } from '../../db/runs.js';
import { createSealing } from '../../db/sealing.js';
import { createSettings } from '../../db/settings.js';
import { createTombstones } from '../../db/tombstones.js';
import { createWebhookEvents } from '../../db/webhooks.js';
import { createWrites } from '../../db/writes.js';
import type { ConnectionStatus } from '../../domain/connection.js';
import { workflowIds } from '../../domain/names.js';
import type {
  CallContext,
  ConsentedOrganisation,
  Deletion,
  OutboxBell,
  PageQuery,
  Role,
  WebhookBell,
  XeroReader,
} from '../../domain/ports.js';
import { XeroRefusal } from '../../domain/problems.js';
import type { StreamName } from '../../domain/streams.js';
import { createCharts } from '../../xero/chart.js';
import { missingScopes, scopesFor } from '../../xero/scopes.js';
import { type FreshDatabase, freshDatabase } from '../support/database.js';

export interface Api {
  readonly app: FastifyInstance;
  database: FreshDatabase;
  deletion: Deletion;
  deps: ApiDeps;
  xero: FakeXero;
  temporal: FakeTemporal;
  /** Lines of the log, as written. */
  log: string[];
  /** A new key's secret. */
  key(role: Role, company?: string): Promise<string>;
  /** As an admin who sees all, unless another secret is given. */
  call(
    method: InjectOptions['method'],
    path: string,
    body?: object,
    secret?: string,
    headers?: Record<string, string>,
  ): Promise<LightMyRequestResponse>;
  /** A company and its new connection. */
  connect(company: string, more?: object): Promise<{ id: string; state: string }>;
  /** As if the work had brought it there. */
  stand(id: string, status: ConnectionStatus): Promise<void>;
  /** What the customer's browser brings back from Xero. */
  callback(query: Record<string, string>): Promise<LightMyRequestResponse>;
  /** What `deleteCompany` does once the API has begun it, in its order. */
  finishDeletion(company: string): Promise<void>;
  /** Another process over the same database. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startApi(overrides: Partial<ApiDeps> = {}): Promise<Api> {
  const database = await freshDatabase();
  const { pool } = database;
  const sealing = createSealing({ current: 'test', keys: { test: randomBytes(32) } });
  const tombstones = createTombstones(sealing);
  const apiKeys = createApiKeys(pool);
  const mirror = createMirror(pool);
  const feed = createFeed(pool);
  const xero = new FakeXero();
  const temporal = new FakeTemporal();
  const log: string[] = [];
  const deps: ApiDeps = {
    companies: createCompanies(pool),
    connections: createConnections(pool, tombstones),
    locations: createLocations(pool),
    consents: createConsents(pool, sealing),
    grants: createGrants(pool, sealing),
    apiKeys,
    audit: createAudit(pool),
    keptAnswers: createKeptAnswers(pool, sealing),
    metrics: createMetrics(createFigures(pool)),
    runs: createRuns(pool),
    mirror,
    reconciliation: createReconciliation(pool),
    xero,
    feed,
    feedBell: createFeedBell(feed, database.url),
    settings: createSettings(pool),
    charts: createCharts(mirror),
    budget: createCallBudget(pool),
    oauth: xero,
    backfills: temporal,
    syncs: temporal.syncs,
    reviews: temporal.reviews,
    previews: createPreviews(pool),
    exports: createExports(pool),
    checkedWithinMs: 0,
    deletions: temporal.deletions,
    documents: createDocuments(pool),
    outboxBells: createOutboxBells(pool),
    outboxes: temporal.outboxes,
    payments: createPaymentImports(pool, tombstones),
    paymentRuns: temporal.paymentRuns,
    callbackSecrets: createCallbackSecrets(pool, sealing),
    callback: createPaymentCallback({ allowLoopback: false }),
    writes: createWrites(pool),
    schedules: temporal.schedules,
    webhooks: temporal.webhooks,
    webhookEvents: createWebhookEvents(pool),
    webhookKeys: [],
    links: xero,
    scopesFor,
    missingScopes,
    newId: randomUUID,
    newSecret: () => randomBytes(32).toString('base64url'),
    now: () => new Date('2026-10-01T12:00:00Z'),
    readiness: async () => ({ postgres: true, temporal: true }),
    returnUrlOrigins: ['https://platform.test'],
    temporalUi: { url: 'http://127.0.0.1:8233', namespace: 'default' },
    requestsPerMinute: 10_000,
    log: { level: 'info', stream: { write: (line) => log.push(line) } },
    ...overrides,
  };
  let app = await buildApi(deps);

  const key = async (role: Role, company?: string) => {
    const secret = `nl_${randomBytes(32).toString('base64url')}`;
    await apiKeys.create({ id: randomUUID(), name: role, role, companyId: company ?? null }, secret);
    return secret;
  };
  const admin = await key('admin');
  const call: Api['call'] = (method, path, body, secret = admin, headers = {}) =>
    app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${secret}`, ...headers },
      ...(body && { payload: body }),
    });

  const deletion = createDeletion(pool, tombstones);
  const deleting = createDeletionActivities({
    connections: deps.connections,
    deletion,
    links: xero,
    work: {
      startBackfill: () => Promise.reject(new Error('a deletion starts nothing')),
      ringForWebhooks: () => Promise.reject(new Error('a deletion starts nothing')),
      startReview: () => Promise.reject(new Error('a deletion starts nothing')),
      ringOutbox: () => Promise.reject(new Error('a deletion starts nothing')),
      stop: async (id) => {
        await Promise.all([temporal.cancel(id), temporal.syncs.cancel(id)]);
      },
    },
  });

  return {
    get app() {
      return app;
    },
    database,
    deletion,
    deps,
    xero,
    temporal,
    log,
    key,
    call,
    async connect(company, more = {}) {
      await call('PUT', `/v1/companies/${company}`, { name: `Company ${company}` });
      const answer = await call('POST', '/v1/connections', { company, direction: 'import', ...more });
      const { id, consentUrl } = answer.json();
      return { id, state: stateOf(consentUrl) };
    },
    async stand(id, status) {
      await pool.query(
        `UPDATE connection SET status = $2,
                backfilled_at = CASE WHEN $2 = 'active' THEN coalesce(backfilled_at, now()) ELSE backfilled_at END
          WHERE id = $1`,
        [id, status],
      );
    },
    callback: (query) => app.inject({ method: 'GET', url: '/v1/oauth/xero/callback', query }),
    async finishDeletion(company) {
      await deleting.stopCompany(company);
      await deleting.buryCompany(company);
      await deleting.endLinks(company);
      const activity = new MockActivityEnvironment();
      for (const table of await deleting.tablesOfCompanies()) await activity.run(deleting.emptyTable, company, table);
    },
    async restart() {
      await app.close();
      app = await buildApi(deps);
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}

export function stateOf(consentUrl: string): string {
  return new URL(consentUrl).searchParams.get('state') ?? '';
}

export function organisation(name: string): ConsentedOrganisation {
  return { tenantId: randomUUID(), name, xeroConnectionId: randomUUID() };
}

/** A consent is what `grant` says; its code is good once. A page is what `pages` answers. */
export class FakeXero implements XeroReader {
  readonly ended: string[] = [];
  private readonly codes = new Map<string, { scopes: readonly string[]; organisations: ConsentedOrganisation[] }>();
  private readonly verifiers = new Map<string, string>();

  grant(organisations: ConsentedOrganisation[], scopes: readonly string[] = scopesFor('two-way')): string {
    const code = randomUUID();
    this.codes.set(code, { scopes, organisations });
    return code;
  }

  async consentUrl({ state, codeVerifier, scopes }: Parameters<ApiDeps['oauth']['consentUrl']>[0]): Promise<string> {
    this.verifiers.set(state, codeVerifier);
    return `https://login.test/authorize?${new URLSearchParams({ state, scope: scopes.join(' ') })}`;
  }

  async exchange(
    query: Readonly<Record<string, string>>,
    expected: { state: string; codeVerifier: string },
  ): ReturnType<ApiDeps['oauth']['exchange']> {
    const consented = this.codes.get(query.code ?? '');
    if (!consented || this.verifiers.get(expected.state) !== expected.codeVerifier) {
      throw new XeroRefusal('authFailed', 400);
    }
    this.codes.delete(query.code ?? '');
    const tokens = {
      accessToken: `access-${query.code}`,
      refreshToken: `refresh-${query.code}`,
      expiresAt: new Date(Date.now() + 1_800_000).toISOString(),
    };
    return { tokens, scopes: [...consented.scopes], organisations: consented.organisations };
  }

  async endConnection(_accessToken: string, xeroConnectionId: string): Promise<void> {
    this.ended.push(xeroConnectionId);
  }

  /** Every list call so far. */
  readonly asked: (PageQuery & { stream: StreamName; context: CallContext })[] = [];
  /** What list calls answer: the text and Xero's count. */
  pages: (query: PageQuery, signal?: AbortSignal) => Promise<{ text: string; itemCount: number | null }> = () =>
    Promise.reject(new Error('nothing is to be read'));

  async readPage(context: CallContext, stream: StreamName, query: PageQuery, signal?: AbortSignal) {
    this.asked.push({ ...query, stream, context });
    const answer = await this.pages(query, signal);
    return { ...answer, answeredAt: '2026-10-01T12:00:00.000Z', bytes: answer.text.length };
  }

  /** What the next ends of links meet. */
  away: Error | null = null;

  async end({ xeroConnectionId }: { xeroConnectionId: string }): Promise<void> {
    if (this.away) throw this.away;
    this.ended.push(xeroConnectionId);
  }
}

/** Remembers what was asked of it; `running` holds the connections whose backfill is in hand. */
export class FakeTemporal implements BackfillControl {
  readonly started: BackfillStart[] = [];
  readonly signals: string[] = [];
  readonly running = new Map<string, StartedRun>();
  readonly done = new Set<string>();
  readonly syncs = new FakeSyncs();
  readonly deletions = new FakeDeletions();
  readonly reviews = new FakeReviews();
  /** The connections whose schedule was brought up to date. */
  readonly kept: string[] = [];
  readonly schedules = { keep: async (id: string) => void this.kept.push(id) };
  readonly webhooks = new FakeWebhooks();
  readonly outboxes = new FakeOutboxes();
  readonly paymentRuns = new FakePaymentRuns();
  away: Error | null = null;

  async start(wanted: BackfillStart, inPlaceOf?: 'anyInHand'): Promise<StartedRun | 'alreadyDone'> {
    if (this.away) throw this.away;
    const { connectionId, askedBy } = wanted;
    if (this.done.has(connectionId)) return 'alreadyDone';
    const inHand = this.running.get(connectionId);
    if (inHand && inPlaceOf === undefined) return inHand;
    this.started.push(wanted);
    const run = { workflowId: workflowIds.backfill(connectionId), runId: randomUUID(), askedBy };
    this.running.set(connectionId, run);
    return run;
  }

  pause = (id: string) => this.signal(id, 'pause');
  resume = (id: string) => this.signal(id, 'resume');
  cancel = async (id: string) => {
    const run = await this.signal(id, 'cancel');
    this.running.delete(id);
    return run;
  };

  async connectionChanged(id: string): Promise<void> {
    await this.signal(id, 'connectionChanged');
  }

  private async signal(id: string, name: string): Promise<WorkflowRun | null> {
    const run = this.running.get(id) ?? null;
    if (run !== null) this.signals.push(name);
    return run;
  }
}

/** The same for syncs. */
export class FakeSyncs implements SyncControl {
  readonly started: SyncStart[] = [];
  readonly running = new Map<string, StartedRun>();

  async start(sync: SyncStart): Promise<StartedRun & { alreadyRunning: boolean }> {
    const inHand = this.running.get(sync.connectionId);
    if (inHand) return { ...inHand, alreadyRunning: true };
    this.started.push(sync);
    const run = { workflowId: workflowIds.sync(sync.connectionId), runId: randomUUID(), askedBy: sync.askedBy };
    this.running.set(sync.connectionId, run);
    return { ...run, alreadyRunning: false };
  }

  async cancel(id: string): Promise<void> {
    this.running.delete(id);
  }
}

/** And for the runs that fetch what webhooks told of. */
export class FakeWebhooks implements WebhookControl {
  readonly rung: WebhookBell[] = [];
  readonly cancelled: string[] = [];
  away: Error | null = null;

  async ring(bell: WebhookBell): Promise<void> {
    if (this.away) throw this.away;
    this.rung.push(bell);
  }

  async cancel(organisationId: string): Promise<null> {
    this.cancelled.push(organisationId);
    return null;
  }
}

/** For the outboxes. */
/** And for payment imports. */
export class FakePaymentRuns implements PaymentRunControl {
  readonly started: PaymentRunStart[] = [];
  readonly running = new Map<string, StartedRun>();

  async start(wish: PaymentRunStart): Promise<StartedRun & { alreadyRunning: boolean }> {
    const inHand = this.running.get(wish.connectionId);
    if (inHand) return { ...inHand, alreadyRunning: true };
    this.started.push(wish);
    const workflowId = workflowIds.paymentImport(wish.connectionId);
    const run = { workflowId, runId: randomUUID(), askedBy: wish.askedBy };
    this.running.set(wish.connectionId, run);
    return { ...run, alreadyRunning: false };
  }

  async cancel(id: string): Promise<void> {
    this.running.delete(id);
  }
}

export class FakeOutboxes implements OutboxControl {
  readonly rung: OutboxBell[] = [];
  readonly cancelled: string[] = [];
  away: Error | null = null;

  async ring(bell: OutboxBell): Promise<void> {
    if (this.away) throw this.away;
    this.rung.push(bell);
  }

  async cancel(connectionId: string): Promise<null> {
    this.cancelled.push(connectionId);
    return null;
  }
}

/** And for previews and exports; `running` holds their ids. */
export class FakeReviews implements ReviewControl {
  readonly started: ReviewStart[] = [];
  readonly signals: string[] = [];
  readonly running = new Map<string, StartedRun>();

  startPreview = (wanted: ReviewStart) => this.start(wanted, workflowIds.preview(wanted.id));
  startExport = (wanted: ReviewStart) => this.start(wanted, workflowIds.export(wanted.id));
  pauseExport = (id: string) => this.signal(id, 'pause');
  resumeExport = (id: string) => this.signal(id, 'resume');
  cancelExport = (id: string) => this.end(id);
  cancelPreview = (id: string) => this.end(id);

  private async start(wanted: ReviewStart, workflowId: string): Promise<StartedRun> {
    const inHand = this.running.get(wanted.id);
    if (inHand) return inHand;
    this.started.push(wanted);
    const run = { workflowId, runId: randomUUID(), askedBy: wanted.askedBy };
    this.running.set(wanted.id, run);
    return run;
  }

  private async signal(id: string, name: string): Promise<WorkflowRun | null> {
    const run = this.running.get(id) ?? null;
    if (run !== null) this.signals.push(`${name} ${id}`);
    return run;
  }

  private async end(id: string): Promise<WorkflowRun | null> {
    const run = await this.signal(id, 'cancel');
    this.running.delete(id);
    return run;
  }
}

/** And for deletions. */
export class FakeDeletions implements DeletionControl {
  readonly started: string[] = [];

  async start(companyId: string): Promise<WorkflowRun> {
    this.started.push(companyId);
    return { workflowId: workflowIds.deleteCompany(companyId), runId: randomUUID() };
  }
}
