import { afterEach, describe, expect, it } from 'vitest';
import { Bench, type Json, json } from './support.js';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** An organisation whose minute and day have just begun, so that neither ends while a test counts its calls. */
const freshWindows = (limits: object = {}) => ({
  name: 'Limited',
  records: 200,
  limits,
  minutePhaseMs: Date.now() % MINUTE,
  dayPhaseMs: Date.now() % DAY,
});

describe('the limits', () => {
  let bench: Bench;
  afterEach(() => bench.close());

  const windows = async () => {
    const organisations: { tenantId: string; windows: Json }[] = await bench.control('GET', '/organisations');
    return organisations.find(({ tenantId }) => tenantId === bench.tenantId)?.windows;
  };

  it('are told with every answered call, a refused one too', async () => {
    bench = await Bench.start({ organisation: freshWindows() });
    const first = await bench.get('Organisation');
    expect(first.headers.get('x-daylimit-remaining')).toBe('4999');
    expect(first.headers.get('x-minlimit-remaining')).toBe('59');
    expect(first.headers.get('x-appminlimit-remaining')).toBe('9999');
    const refused = await bench.get('Invoices', { page: '1', where: 'Type ==' });
    expect(refused.status).toBe(400);
    expect(refused.headers.get('x-daylimit-remaining')).toBe('4998');
  });

  it('end a minute with a 429 without body or content type, and a Retry-After up to the end of the window', async () => {
    bench = await Bench.start({ organisation: freshWindows({ minute: 2 }) });
    await bench.get('Organisation');
    await bench.get('Organisation');
    const askedAt = Date.now();
    const refused = await bench.get('Organisation');
    const answeredAt = Date.now();
    expect(refused.status).toBe(429);
    expect(await refused.text()).toBe('');
    expect(refused.headers.get('content-type')).toBeNull();
    expect(refused.headers.get('x-rate-limit-problem')).toBe('minute');
    const endsAt = Date.parse((await windows()).minute.resetsAt);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(Math.ceil((endsAt - answeredAt) / 1000));
    expect(seconds).toBeLessThanOrEqual(Math.ceil((endsAt - askedAt) / 1000));
    await bench.moveClock(seconds * 1000);
    expect((await bench.get('Organisation')).status).toBe(200);
  });

  it('end a day at 1,000 calls on the Starter tier and at 5,000 above it', async () => {
    bench = await Bench.start({ organisation: freshWindows() });
    expect((await windows()).day.limit).toBe(5_000);
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { tier: 'starter' });
    expect((await windows()).day.limit).toBe(1_000);
    await bench.control('PATCH', `/organisations/${bench.tenantId}`, { limits: { day: 1 } });
    await bench.get('Organisation');
    const askedAt = Date.now();
    const refused = await bench.get('Organisation');
    const answeredAt = Date.now();
    expect(refused.headers.get('x-rate-limit-problem')).toBe('day');
    const endsAt = Date.parse((await windows()).day.resetsAt);
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(Math.ceil((endsAt - answeredAt) / 1000));
    expect(seconds).toBeLessThanOrEqual(Math.ceil((endsAt - askedAt) / 1000));
  });

  it('start each organisation at a phase of its own, fixed and not rolling', async () => {
    bench = await Bench.start({
      organisation: { name: 'Phased', records: 200, minutePhaseMs: 1_234, dayPhaseMs: 5_678 },
    });
    const own = (await bench.control('GET', '/organisations')).find(({ name }: { name: string }) => name === 'Phased');
    expect(Date.parse(own.windows.minute.resetsAt) % MINUTE).toBe(1_234);
    expect(Date.parse(own.windows.day.resetsAt) % 86_400_000).toBe(5_678);
  });

  it('let five calls be in flight, and refuse a sixth without Retry-After', async () => {
    bench = await Bench.start({ latencyMs: 150 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => bench.get('Organisation')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.headers.get('x-rate-limit-problem')).toBe('concurrent');
    expect(refused[0]?.headers.get('retry-after')).toBeNull();
    const { mostInFlight, refusals } = await bench.truth();
    expect(mostInFlight).toBe(5);
    expect(refusals).toEqual({ minute: 0, day: 0, concurrent: 1, appminute: 0 });
  });

  it.each([true, false])('hold for the whole app, with Retry-After: %s', async (appMinuteRetryAfter) => {
    bench = await Bench.start({ limits: { appMinute: 1 }, switches: { appMinuteRetryAfter } });
    await bench.get('Organisation');
    const refused = await bench.get('Organisation');
    expect(refused.headers.get('x-rate-limit-problem')).toBe('appminute');
    expect(refused.headers.has('retry-after')).toBe(appMinuteRetryAfter);
  });

  it.each([
    [true, '997'],
    [false, '998'],
  ])('count a refused call: %s', async (rateLimited429CostsACall, left) => {
    bench = await Bench.start({
      switches: { rateLimited429CostsACall },
      organisation: freshWindows({ minute: 1, day: 1_000 }),
    });
    await bench.get('Organisation');
    await bench.get('Organisation');
    await bench.moveClock(MINUTE);
    expect((await bench.get('Organisation')).headers.get('x-daylimit-remaining')).toBe(left);
  });

  it.each([
    [true, 200],
    [false, 429],
  ])('are lifted for the first half hour by rapid sync: %s', async (rapidSync, status) => {
    bench = await Bench.start({ switches: { rapidSync }, organisation: freshWindows({ minute: 1 }) });
    await bench.get('Organisation');
    expect((await bench.get('Organisation')).status).toBe(status);
  });

  it('count calls by endpoint and the bytes of their bodies', async () => {
    bench = await Bench.start();
    const body = await (await bench.get('Invoices', { page: '1' })).text();
    const { calls, bytes } = await bench.truth();
    expect(calls).toEqual({ total: 1, byEndpoint: { Invoices: 1 } });
    expect(bytes).toBe(Buffer.byteLength(body));
    expect((await json(await bench.get('TaxRates'))).TaxRates.length).toBeGreaterThan(0);
  });
});
