import type { Client, WorkflowHandle } from '@temporalio/client';
import type pg from 'pg';
import { workflowIds } from '../../domain/names.js';
import type { SyncMode } from '../../domain/reading.js';
import type { StreamName } from '../../domain/streams.js';
import type { ApiClient } from '../../embedded/apiClient.js';
import { control, giveConsent } from '../xero/support.js';
import { type Comparison, compareWithTruth, type Scope } from './truth.js';
import { eventually } from './waiting.js';

/** What GET /v1/connections/{id}/backfill answers, as far as tests look at it. */
export interface BackfillView {
  status: string;
  sleepingUntil: string | null;
  streams: Record<StreamName, { status: string; records: number; expected: number | null; calls: number }>;
  calls: number;
  bytes: number;
  rateLimited: { minute: number; day: number; concurrent: number; appMinute: number };
  sleeps: { reason: string; seconds: number }[];
  endedAt: string | null;
  outcome: string | null;
  workflowId: string;
  runId: string;
}

export interface ConnectionView {
  status: string;
  sleepingUntil: string | null;
  lastError: { code: string; message: string; remedy: string } | null;
  backfilledAt: string | null;
}

export interface SyncStarted {
  workflowId: string;
  runId: string;
  alreadyRunning: boolean;
}

/** What GET /v1/connections/{id}/runs/{runId} answers, as far as tests look at it. */
export interface RunView {
  workflowId: string;
  runId: string;
  kind: 'backfill' | 'sync';
  outcome: string;
  endedAt: string | null;
  calls: number;
  sleeps: { reason: string; seconds: number }[];
  streams: Partial<Record<StreamName, { calls: number; created: number; changed: number; unchanged: number }>>;
}

/** What the simulator counted of an organisation. */
export interface Usage {
  calls: { total: number; byEndpoint: Record<string, number> };
  refusals: Record<'minute' | 'day' | 'concurrent' | 'appminute', number>;
  mostInFlight: number;
  streams: Record<string, { count: number }>;
}

/** The streams that are not read to their end. */
export function openStreams({ streams }: Pick<BackfillView, 'streams'>): StreamName[] {
  return (Object.keys(streams) as StreamName[]).filter((name) => streams[name].status !== 'complete');
}

interface World {
  api: ApiClient;
  client: Client;
  pool: pg.Pool;
  xeroUrl: string;
}

/** A connection with its organisation: what the API, Temporal, Postgres and the simulator tell of it. */
export class Books {
  constructor(
    readonly id: string,
    readonly organisation: string,
    private readonly world: World,
  ) {}

  get run(): WorkflowHandle {
    return this.world.client.workflow.getHandle(workflowIds.backfill(this.id));
  }

  connection(): Promise<ConnectionView> {
    return this.world.api.get(`/connections/${this.id}`);
  }

  backfill(): Promise<BackfillView> {
    return this.world.api.get(`/connections/${this.id}/backfill`);
  }

  start(): Promise<{ workflowId: string; runId: string }> {
    return this.world.api.post(`/connections/${this.id}/backfill`, {});
  }

  steer(step: 'pause' | 'resume' | 'cancel'): Promise<unknown> {
    return this.world.api.post(`/connections/${this.id}/backfill/${step}`, {});
  }

  /** Asks for a sync; answers the run, which is in hand or has just been started. */
  sync(wish: { mode?: SyncMode; streams?: StreamName[] } = {}): Promise<SyncStarted> {
    return this.world.api.post(`/connections/${this.id}/sync`, wish);
  }

  /** A sync, to its end. */
  async synced(wish: { mode?: SyncMode; streams?: StreamName[] } = {}): Promise<RunView> {
    return this.runEnded((await this.sync(wish)).runId);
  }

  /** Until that run has ended, here and in Temporal. */
  async runEnded(runId: string): Promise<RunView> {
    const run = await eventually(
      'the run ends',
      () => this.world.api.get<RunView>(`/connections/${this.id}/runs/${runId}`),
      ({ endedAt }) => endedAt !== null,
    );
    await this.world.client.workflow
      .getHandle(run.workflowId, runId)
      .result()
      .catch(() => undefined);
    return run;
  }

  disconnect(): Promise<ConnectionView> {
    return this.world.api.post(`/connections/${this.id}/disconnect`, {});
  }

  async reconnect(): Promise<void> {
    const { consentUrl } = await this.world.api.post<{ consentUrl: string }>(`/connections/${this.id}/reconnect`, {});
    await consentTo(consentUrl, this.organisation);
  }

  /** Until the first full read stands as wished. */
  until(what: string, holds: (backfill: BackfillView) => boolean): Promise<BackfillView> {
    return eventually(what, () => this.backfill(), holds);
  }

  /** Until the run has ended, here and in Temporal. */
  async ended(): Promise<BackfillView> {
    const backfill = await this.until('the run ends', ({ endedAt }) => endedAt !== null);
    await this.run.result().catch(() => undefined);
    return backfill;
  }

  compare(stream: StreamName, scope?: Scope): Promise<Comparison> {
    return compareWithTruth(this.world.pool, this.world.xeroUrl, this.organisation, stream, scope);
  }

  usage(): Promise<Usage> {
    return control(this.world.xeroUrl, 'GET', `/organisations/${this.organisation}/truth`);
  }
}

/** What the customer does: allows it on Xero's page, and is sent back to us. */
export async function consentTo(consentUrl: string, organisation: string): Promise<void> {
  const query = await giveConsent(consentUrl, [organisation]);
  const redirect = new URL(new URL(consentUrl).searchParams.get('redirect_uri') ?? '');
  redirect.search = new URLSearchParams(query).toString();
  const answer = await fetch(redirect);
  if (!answer.ok) throw new Error(`the callback answered ${answer.status}: ${await answer.text()}`);
}
