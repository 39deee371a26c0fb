/** What the API needs from the outside; `workers/` injects it. */
import type { Direction } from '../domain/connection.js';
import type {
  ApiKeys,
  Audit,
  CallBudget,
  CallbackSecrets,
  Charts,
  Companies,
  ConnectionSchedules,
  Connections,
  Consents,
  Documents,
  Exports,
  Feed,
  FeedBell,
  Grants,
  KeptAnswers,
  Locations,
  Mirror,
  OutboxBells,
  PaymentCallback,
  PaymentImports,
  Previews,
  Reconciliation,
  Runs,
  SettingsStore,
  WebhookEvents,
  Writes,
  XeroLinks,
  XeroOAuth,
  XeroReader,
} from '../domain/ports.js';
import type { StreamName } from '../domain/streams.js';
import type { BackfillControl } from './backfillControl.js';
import type { DeletionControl } from './deletionControl.js';
import type { Metrics } from './metrics.js';
import type { OutboxControl } from './outboxControl.js';
import type { PaymentRunControl } from './paymentRunControl.js';
import type { ReviewControl } from './reviewControl.js';
import type { SyncControl } from './syncControl.js';
import type { WebhookControl } from './webhookControl.js';

export interface ApiDeps {
  companies: Companies;
  connections: Connections;
  locations: Locations;
  consents: Consents;
  grants: Pick<Grants, 'create' | 'load'>;
  apiKeys: Pick<ApiKeys, 'create' | 'find' | 'get' | 'list' | 'revoke'>;
  audit: Audit;
  keptAnswers: KeptAnswers;
  runs: Pick<Runs, 'start' | 'list' | 'get' | 'latest'>;
  mirror: Pick<Mirror, 'progress' | 'records' | 'record' | 'setAside'>;
  reconciliation: Reconciliation;
  xero: XeroReader;
  feed: Pick<Feed, 'read' | 'newest'>;
  /** Closed with the app. */
  feedBell: FeedBell;
  settings: SettingsStore;
  charts: Charts;
  budget: Pick<CallBudget, 'look'>;
  oauth: Pick<XeroOAuth, 'consentUrl' | 'exchange' | 'endConnection'>;
  backfills: BackfillControl;
  syncs: SyncControl;
  reviews: ReviewControl;
  previews: Pick<Previews, 'create' | 'get' | 'rows'>;
  exports: Pick<Exports, 'create' | 'get' | 'rows' | 'inHand' | 'end'>;
  /** How long a start of an export waits for the preview to be held against the books, before it answers. */
  checkedWithinMs: number;
  deletions: DeletionControl;
  documents: Documents;
  outboxBells: Pick<OutboxBells, 'ofConnection' | 'pendingLongerThan'>;
  outboxes: OutboxControl;
  writes: Writes;
  payments: Pick<PaymentImports, 'list' | 'resolve' | 'unreconciled'>;
  paymentRuns: PaymentRunControl;
  callbackSecrets: Pick<CallbackSecrets, 'replace'>;
  callback: Pick<PaymentCallback, 'allows'>;
  schedules: Pick<ConnectionSchedules, 'keep'>;
  webhooks: WebhookControl;
  webhookEvents: Pick<WebhookEvents, 'store'>;
  /** Any of them may have signed a webhook; none: no webhook is taken. */
  webhookKeys: readonly string[];
  links: XeroLinks;
  /** The permissions that the consent page asks for, given the optional streams that were chosen. */
  scopesFor(direction: Direction, chosen: readonly StreamName[]): readonly string[];
  /** Those that a direction cannot do without and that were not granted. */
  missingScopes(direction: Direction, granted: readonly string[]): string[];
  /** A UUID. */
  newId(): string;
  /** At least 32 random bytes in base64url: for OAuth's state and PKCE's verifier. */
  newSecret(): string;
  now(): Date;
  /** Which parts of the service answer; asked by `/health/ready`. Does not throw. */
  readiness(): Promise<Readiness>;
  /** Origins that `returnUrl` may name. */
  returnUrlOrigins: readonly string[];
  temporalUi: TemporalUi;
  requestsPerMinute: number;
  metrics: Pick<Metrics, 'observe' | 'countWebhookEvents'>;
  log: LogTarget;
}

export interface Readiness {
  postgres: boolean;
  temporal: boolean;
}

export interface TemporalUi {
  /** Without a slash at the end. */
  url: string;
  namespace: string;
}

export interface LogTarget {
  /** A pino level, or `silent`. */
  level: string;
  /** Standard output by default; lines of JSON. */
  stream?: { write(line: string): void };
}
