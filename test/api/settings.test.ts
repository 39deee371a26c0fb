import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, startApi } from './harness.js';

let api: Api;
let path: string;

beforeAll(async () => {
  api = await startApi();
  path = `/v1/connections/${(await api.connect('42')).id}/settings`;
});
afterAll(() => api.close());

describe('the settings of a connection', () => {
  it('choose no optional stream unless told', async () => {
    expect((await api.call('GET', path)).json()).toEqual({ optionalStreams: [] });
  });

  it('keep the optional streams that were chosen', async () => {
    const chosen = { optionalStreams: ['journals', 'quotes'] };
    expect((await api.call('PATCH', path, chosen)).json()).toEqual(chosen);
    expect((await api.call('PATCH', path, {})).json()).toEqual(chosen);
    expect((await api.call('GET', path)).json()).toEqual(chosen);
  });

  it.each([
    ['a stream that is always read', { optionalStreams: ['invoices'] }],
    ['a setting that does not exist', { optionalStream: ['journals'] }],
  ])('refuse %s and name the field', async (_what, body) => {
    const answer = await api.call('PATCH', path, body);
    expect(answer.statusCode).toBe(422);
    expect(answer.json().errors[0].field).toMatch(/optionalStream/);
  });

  it('are changed by an admin only', async () => {
    const answer = await api.call('PATCH', path, { optionalStreams: [] }, await api.key('viewer'));
    expect(answer.statusCode).toBe(403);
  });
});
