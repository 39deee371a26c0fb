/** The environment, read once at boot and validated with every fault named; nothing else reads `process.env`. */
import { z } from 'zod';

export interface TokenKey {
  id: string;
  /** 32 bytes, for AES-256-GCM. */
  key: Buffer;
}

export interface Config {
  /** Null: the embedded Postgres. */
  databaseUrl: string | null;
  xero: {
    /** Null: the simulator. */
    client: { id: string; secret: string } | null;
    redirectUri: string;
    issuerUrl: string;
    authorizeUrl: string;
    tokenUrl: string;
    apiUrl: string;
    /** Any of them may have signed a webhook. Empty: none is taken. */
    webhookKeys: string[];
    /** Milliseconds; shorter than Xero's only against a simulator that is told alike. */
    minuteWindowMs: number;
    dayWindowMs: number;
    /** How long Xero keeps the answer of a call under its Idempotency-Key; milliseconds, and as above. */
    idempotencyWindowMs: number;
  };
  http: {
    host: string;
    port: number;
    /** Where the API's metrics page is, on the same host; null: nowhere. */
    metricsPort: number | null;
    /** Where a worker's is; null: nowhere. */
    workerMetricsPort: number | null;
    /** Requests that one API key may make in a minute. */
    requestsPerMinute: number;
    /** Origins that a customer may be sent back to after the consent. */
    returnUrlOrigins: string[];
  };
  /** The first seals, all of them open. Empty: none given. */
  tokenKeys: TokenKey[];
  /** Callbacks may be on this machine, where the platform runs beside the service; otherwise only at public addresses. */
  callbacksOnLoopback: boolean;
  /** Where people find the Temporal UI, without a slash at the end. */
  temporalUiUrl: string;
  logLevel: LogLevel;
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** The environment cannot be used as it is; the message names each variable and what to do. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

const web = (remedy: string) => z.url({ protocol: /^https?$/, error: remedy }).transform(withoutSlash);
const whole = (least: number, most: number) => {
  const remedy = `set a whole number from ${least} to ${most}`;
  return z.coerce.number({ error: remedy }).int(remedy).min(least, remedy).max(most, remedy);
};

const tokenKey = z
  .string()
  .regex(/^[\w.-]{1,40}:[A-Za-z0-9+/_-]{43}=?$/)
  .transform((pair) => {
    const colon = pair.indexOf(':');
    return { id: pair.slice(0, colon), key: Buffer.from(pair.slice(colon + 1), 'base64') };
  });

const tokenKeysRemedy =
  'set id:key[,id:key] where a key is 32 random bytes in base64 (openssl rand -base64 32), the current one first';

const environment = z
  .object({
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'set postgres://user:password@host:5432/database' }),
    XERO_CLIENT_ID: z.string(),
    XERO_CLIENT_SECRET: z.string(),
    XERO_REDIRECT_URI: z.url({
      protocol: /^https?$/,
      error: 'set the redirect URI of the app at developer.xero.com, e.g. https://…/v1/oauth/xero/callback',
    }),
    XERO_ISSUER_URL: web('set the URL of the OAuth issuer, or leave it out for https://identity.xero.com'),
    XERO_AUTHORIZE_URL: web('set the URL of the authorize page, or leave it out for that of Xero'),
    XERO_TOKEN_URL: web('set the URL of the token endpoint, or leave it out for that of Xero'),
    XERO_API_URL: web('set the URL of the API host, or leave it out for https://api.xero.com'),
    XERO_WEBHOOK_KEYS: z
      .string()
      .transform((list) => list.split(',').map((key) => key.trim()))
      .pipe(z.array(z.string().min(1))),
    XERO_MINUTE_WINDOW_MS: whole(1000, 86_400_000),
    XERO_DAY_WINDOW_MS: whole(1000, 86_400_000),
    XERO_IDEMPOTENCY_WINDOW_MS: whole(1000, 86_400_000),
    NIGHTLEDGER_HOST: z.string(),
    NIGHTLEDGER_PORT: whole(0, 65_535),
    NIGHTLEDGER_METRICS_PORT: whole(1, 65_535),
    NIGHTLEDGER_WORKER_METRICS_PORT: whole(1, 65_535),
    NIGHTLEDGER_TOKEN_KEYS: z
      .string()
      .transform((list) => list.split(',').map((pair) => pair.trim()))
      .pipe(z.array(tokenKey, { error: tokenKeysRemedy }))
      .refine((keys) => new Set(keys.map((key) => key.id)).size === keys.length, 'give each key an id of its own'),
    NIGHTLEDGER_RETURN_URLS: z
      .string()
      .transform((list) => list.split(',').map((origin) => origin.trim()))
      .pipe(z.array(z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin))),
    NIGHTLEDGER_CALLBACKS_ON_LOOPBACK: z.enum(['true', 'false'], { error: 'set true or false' }),
    NIGHTLEDGER_TEMPORAL_UI_URL: web('set the URL of the Temporal UI, e.g. http://127.0.0.1:8233'),
    NIGHTLEDGER_LOG_LEVEL: z.enum(logLevels, { error: `set one of ${logLevels.join(', ')}` }),
    NIGHTLEDGER_REQUESTS_PER_MINUTE: whole(1, 1_000_000),
  })
  .partial()
  .refine((env) => (env.XERO_CLIENT_ID === undefined) === (env.XERO_CLIENT_SECRET === undefined), {
    path: ['XERO_CLIENT_SECRET'],
    message: 'set XERO_CLIENT_ID and XERO_CLIENT_SECRET together, or neither for the simulator',
  });

/** Remedies for the variables whose inner checks would speak of array elements. */
const remedies: Readonly<Record<string, string>> = {
  XERO_WEBHOOK_KEYS: 'set the webhooks key of the app at developer.xero.com, or several with commas between',
  NIGHTLEDGER_TOKEN_KEYS: tokenKeysRemedy,
  NIGHTLEDGER_RETURN_URLS: 'set origins with commas between, e.g. https://app.example.com,http://localhost:3000',
};

/**
 * Reads and validates the environment; an empty variable counts as absent.
 * @throws ConfigError naming every variable that is wrong, never its value.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) throw new ConfigError(faultsOf(parsed.error));
  return configOf(parsed.data);
}

function configOf(env: z.output<typeof environment>): Config {
  const port = env.NIGHTLEDGER_PORT ?? 8080;
  return {
    databaseUrl: env.DATABASE_URL ?? null,
    xero: {
      client:
        env.XERO_CLIENT_ID === undefined || env.XERO_CLIENT_SECRET === undefined
          ? null
          : { id: env.XERO_CLIENT_ID, secret: env.XERO_CLIENT_SECRET },
      // Xero refuses http://127.0.0.1 and takes http://localhost.
      redirectUri: env.XERO_REDIRECT_URI ?? `http://localhost:${port}/v1/oauth/xero/callback`,
      issuerUrl: env.XERO_ISSUER_URL ?? 'https://identity.xero.com',
      authorizeUrl: env.XERO_AUTHORIZE_URL ?? 'https://login.xero.com/identity/connect/authorize',
      tokenUrl: env.XERO_TOKEN_URL ?? 'https://identity.xero.com/connect/token',
      apiUrl: env.XERO_API_URL ?? 'https://api.xero.com',
      webhookKeys: env.XERO_WEBHOOK_KEYS ?? [],
      minuteWindowMs: env.XERO_MINUTE_WINDOW_MS ?? 60_000,
      dayWindowMs: env.XERO_DAY_WINDOW_MS ?? 86_400_000,
      idempotencyWindowMs: env.XERO_IDEMPOTENCY_WINDOW_MS ?? 360_000,
    },
    http: {
      host: env.NIGHTLEDGER_HOST ?? '127.0.0.1',
      port,
      metricsPort: env.NIGHTLEDGER_METRICS_PORT ?? null,
      workerMetricsPort: env.NIGHTLEDGER_WORKER_METRICS_PORT ?? null,
      requestsPerMinute: env.NIGHTLEDGER_REQUESTS_PER_MINUTE ?? 600,
      returnUrlOrigins: env.NIGHTLEDGER_RETURN_URLS ?? [],
    },
    tokenKeys: env.NIGHTLEDGER_TOKEN_KEYS ?? [],
    callbacksOnLoopback: env.NIGHTLEDGER_CALLBACKS_ON_LOOPBACK === 'true',
    temporalUiUrl: env.NIGHTLEDGER_TEMPORAL_UI_URL ?? 'http://127.0.0.1:8233',
    logLevel: env.NIGHTLEDGER_LOG_LEVEL ?? 'info',
  };
}

function faultsOf(error: z.ZodError): string[] {
  const faults = error.issues.map((issue) => {
    const variable = String(issue.path[0]);
    return `${variable}: ${remedies[variable] ?? issue.message}.`;
  });
  return [...new Set(faults)];
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
