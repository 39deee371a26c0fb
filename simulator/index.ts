import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Refusal } from './accounting/errors.js';
import { FixedWindow, Limiter, type OrganisationLimits } from './accounting/limits.js';
import { accountingRoutes } from './accounting/routes.js';
import { writeRoutes } from './accounting/writes.js';
import { Faults } from './control/faults.js';
import { ReadingEdits } from './control/reading.js';
import { controlRoutes } from './control/routes.js';
import { Truth } from './control/truth.js';
import { Clock } from './core/clock.js';
import { Journal } from './core/journal.js';
import { keyFor } from './core/random.js';
import { Editor } from './data/edits.js';
import { followDocuments } from './data/journals.js';
import { Organisations } from './data/organisations.js';
import { SigningKey } from './identity/keys.js';
import { identityRoutes } from './identity/routes.js';
import { type Client, IdentityStore } from './identity/store.js';
import { Settings, type Switches } from './settings.js';
import { Webhooks } from './webhooks/webhooks.js';
import { KeptAnswers } from './writing/idempotency.js';

export interface SimulatorOptions {
  /** 0 = any free port. */
  port?: number;
  host?: string;
  seed?: string | number;
  /** Rows of the demo organisation. */
  records?: number;
  minuteMs?: number;
  dayMs?: number;
  limits?: Partial<OrganisationLimits> & { appMinute?: number };
  /** A folder that keeps everything over restarts. */
  stateDir?: string;
  latencyMs?: number;
  switches?: Partial<Switches>;
  /** Whether there is a demo organisation; yes unless said otherwise. */
  demo?: boolean;
  clients?: Client[];
}

export interface Simulator {
  url: string;
  port: number;
  close(): Promise<void>;
}

export const DEMO_CLIENT: Client = {
  id: 'nightledger-demo',
  secret: 'nightledger-demo-secret',
  redirectUris: ['http://localhost:*'],
};
export const DEMO_ORGANISATION = 'Demo Company (NZ)';

const DEFAULTS = { port: 4400, host: '127.0.0.1', seed: 1, records: 20_000, minuteMs: 60_000, dayMs: 86_400_000 };
/** Its tokens protect nothing, so nobody else may reach it. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;
const LARGEST_BODY = 16 * 1024 * 1024;

/** Starts a Xero on this machine. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const wish = { ...DEFAULTS, ...options };
  if (!LOOPBACK.test(wish.host)) throw new Error(`The simulator listens on loopback only, not on ${wish.host}.`);
  const { app, shutDown } = build(wish);
  await app.listen({ port: wish.port, host: wish.host });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : wish.port;
  return {
    url: `http://${wish.host.includes(':') ? `[${wish.host}]` : wish.host}:${port}`,
    port,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
      shutDown();
    },
  };
}

type Wish = SimulatorOptions & Required<Pick<SimulatorOptions, keyof typeof DEFAULTS>>;

/** Puts the parts together: state first, then what changes it, then the routes. */
function build(wish: Wish): { app: FastifyInstance; shutDown: () => void } {
  const { minute, day, concurrent, appMinute } = wish.limits ?? {};
  const journal = new Journal(wish.stateDir);
  const clock = new Clock();
  const moveClock = journal.event<{ offsetMs: number }>('clockMoved', ({ offsetMs }) => {
    clock.offsetMs = offsetMs;
  });
  const settings = new Settings(journal, { latencyMs: wish.latencyMs, limits: { appMinute }, switches: wish.switches });
  const limiter = new Limiter(new FixedWindow(wish.minuteMs, keyFor(wish.seed, 'app') % wish.minuteMs), settings);
  const organisations = new Organisations(journal, clock, limiter, wish, settings);
  const key = new SigningKey(journal);
  const store = new IdentityStore(journal, clock, wish.clients ?? [DEMO_CLIENT]);
  const webhooks = new Webhooks(journal, clock, settings, organisations);
  followDocuments(organisations);
  const kept = new KeptAnswers(journal, clock);
  journal.replay();
  key.ensure();
  if (wish.demo !== false) ensureDemo(organisations, wish, { minute, day, concurrent });
  const editor = new Editor(organisations, clock);
  const reading = new ReadingEdits(editor, settings);
  const faults = new Faults();
  const app = bareApp(clock);
  faults.install(app);
  identityRoutes(app, { store, key, clock, settings, organisations });
  const admission = { store, clock, settings, organisations, limiter };
  accountingRoutes(app, { ...admission, watcher: reading });
  const beforeCommit = (request: FastifyRequest) => faults.beforeCommit(request);
  app.register(async (scope) => writeRoutes(scope, { ...admission, kept, beforeCommit }));
  const truth = new Truth(settings);
  const control = { organisations, settings, clock, store, editor, reading, faults, truth, webhooks };
  app.register(
    async (scope) => controlRoutes(scope, { ...control, moveClock: (offsetMs) => moveClock({ offsetMs }) }),
    { prefix: '/_sim' },
  );
  return {
    app,
    shutDown: () => {
      webhooks.close();
      journal.close();
    },
  };
}

/** Makes the demo organisation at the first start; later ones find it, and may give it other limits. */
function ensureDemo(organisations: Organisations, { seed, records }: Wish, limits: Partial<OrganisationLimits>): void {
  const demo = organisations.all().find(({ profile }) => profile.name === DEMO_ORGANISATION);
  if (!demo) organisations.make({ name: DEMO_ORGANISATION, seed, records, limits });
  else if (Object.values(limits).some((limit) => limit !== undefined)) organisations.change(demo.tenantId, { limits });
}

function bareApp(clock: Clock): FastifyInstance {
  const app = Fastify({ bodyLimit: LARGEST_BODY, routerOptions: { maxParamLength: 500 }, forceCloseConnections: true });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, parseForm(String(body)));
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('date', new Date(clock.now()).toUTCString());
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/html; charset=utf-8').send(NOT_FOUND));
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof Refusal)) return reply.send(error);
    reply.code(error.status).headers(error.headers);
    if (error.contentType) reply.type(error.contentType);
    return reply.send(error.body === '' ? undefined : error.body);
  });
  return app;
}

const NOT_FOUND = 'The resource you&#39;re looking for cannot be found';

function parseForm(text: string): Record<string, string | string[]> {
  const form = new URLSearchParams(text);
  const names = [...new Set(form.keys())];
  return Object.fromEntries(
    names.map((name) => [name, form.getAll(name).length > 1 ? form.getAll(name) : (form.get(name) ?? '')]),
  );
}
