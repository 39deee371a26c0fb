import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '../../config/config.js';

const key = Buffer.alloc(32, 7).toString('base64');

test('with nothing set there are defaults for all, and empty means nothing', () => {
  const config = readConfig({});
  expect(readConfig({ DATABASE_URL: '', XERO_CLIENT_ID: '', NIGHTLEDGER_PORT: '' })).toEqual(config);
  expect(config).toMatchObject({
    databaseUrl: null,
    xero: { client: null, apiUrl: 'https://api.xero.com', minuteWindowMs: 60_000, dayWindowMs: 86_400_000 },
    http: { host: '127.0.0.1', port: 8080, metricsPort: null, workerMetricsPort: null, returnUrlOrigins: [] },
    logLevel: 'info',
  });
});

test('the redirect URI follows the port unless it is set', () => {
  expect(readConfig({ NIGHTLEDGER_PORT: '9090' }).xero.redirectUri).toBe(
    'http://localhost:9090/v1/oauth/xero/callback',
  );
  const redirectUri = 'https://ledger.example.com/v1/oauth/xero/callback';
  expect(readConfig({ XERO_REDIRECT_URI: redirectUri }).xero.redirectUri).toBe(redirectUri);
});

test('token keys are read in order and the first is the current one', () => {
  const { tokenKeys } = readConfig({ NIGHTLEDGER_TOKEN_KEYS: `new:${key}, old:${key}` });
  expect(tokenKeys.map(({ id }) => id)).toEqual(['new', 'old']);
  expect(tokenKeys[0]?.key).toEqual(Buffer.alloc(32, 7));
});

test('webhooks keys are read in order, and there may be none', () => {
  expect(readConfig({}).xero.webhookKeys).toEqual([]);
  expect(readConfig({ XERO_WEBHOOK_KEYS: 'new=, old=' }).xero.webhookKeys).toEqual(['new=', 'old=']);
});

test('return URLs count by their origin', () => {
  const { http } = readConfig({ NIGHTLEDGER_RETURN_URLS: 'https://a.test/path, http://localhost:3000' });
  expect(http.returnUrlOrigins).toEqual(['https://a.test', 'http://localhost:3000']);
});

test.each([
  ['DATABASE_URL', 'mysql://host/db'],
  ['XERO_CLIENT_ID', 'id-without-secret'],
  ['XERO_API_URL', 'xero.example'],
  ['XERO_DAY_WINDOW_MS', '1.5'],
  ['XERO_WEBHOOK_KEYS', 'one-and-nothing,'],
  ['NIGHTLEDGER_PORT', '70000'],
  ['NIGHTLEDGER_PORT', 'http'],
  ['NIGHTLEDGER_METRICS_PORT', '0'],
  ['NIGHTLEDGER_WORKER_METRICS_PORT', '1e9'],
  ['NIGHTLEDGER_TOKEN_KEYS', 'too-short:c2hvcnQ='],
  ['NIGHTLEDGER_TOKEN_KEYS', `same:${key},same:${key}`],
  ['NIGHTLEDGER_RETURN_URLS', 'platform.test'],
  ['NIGHTLEDGER_LOG_LEVEL', 'loud'],
  ['NIGHTLEDGER_REQUESTS_PER_MINUTE', '-7'],
])('a bad %s (%s) is named with its remedy and without its value', (variable, value) => {
  const read = () => readConfig({ [variable]: value });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(
    variable === 'XERO_CLIENT_ID' ? 'XERO_CLIENT_SECRET: set' : new RegExp(`${variable}: (set|give)`),
  );
  expect(read).not.toThrow(value);
});

test('all faults are told at once', () => {
  const read = () => readConfig({ NIGHTLEDGER_PORT: 'x', DATABASE_URL: 'y', NIGHTLEDGER_LOG_LEVEL: 'z' });
  expect(read).toThrow(/DATABASE_URL.*NIGHTLEDGER_PORT.*NIGHTLEDGER_LOG_LEVEL/s);
});

test('.env.example names every variable that is read', async () => {
  const [source, example] = await Promise.all([
    readFile(new URL('../../config/config.ts', import.meta.url), 'utf8'),
    readFile(new URL('../../.env.example', import.meta.url), 'utf8'),
  ]);
  const read = new Set(source.match(/\b(DATABASE_URL|XERO_[A-Z_]+|NIGHTLEDGER_[A-Z_]+)\b/g));
  for (const variable of read) expect(example).toMatch(new RegExp(`^${variable}=`, 'm'));
});
