/** /v1/connections/{id}/settings and …/mapping-options: what a connection does, and what it can choose from. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { mappingFaults, mappingOptions } from '../domain/mappings.js';
import type { Chart, Connection } from '../domain/ports.js';
import { concerns, type Settings, type SettingsPatch, settingsPatch } from '../domain/settings.js';
import { connectionFor } from './access.js';
import type { ApiDeps } from './deps.js';
import { type FieldFault, forbiddenBy, invalid, notFound } from './problems.js';
import { answers, connectionParams } from './schemas/common.js';
import { mappingOptionsSchema, settingsAnswer } from './schemas/settings.js';

const tags = ['Settings'];

/** What the schedules of a connection follow from. */
const scheduled = ['nightlyTime', 'paymentsIn', 'paymentsInEveryHours'] as const;

type Deps = Pick<ApiDeps, 'connections' | 'settings' | 'charts' | 'backfills' | 'schedules' | 'callback'>;

export function settingsRoutes(deps: Deps): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/connections/:id/settings',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getSettings',
        summary:
          "The settings of a connection, defaults included, and what of them does not fit the organisation's books",
        params: connectionParams,
        response: answers({ 200: settingsAnswer }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        return shown(connection, await deps.settings.get(connection.id), await deps.charts.of(connection));
      },
    });

    app.route({
      method: 'PATCH',
      url: '/connections/:id/settings',
      config: { permission: 'configure' },
      schema: {
        tags,
        operationId: 'changeSettings',
        summary:
          'Changes the settings that are named: objects are merged key by key, null brings back the default or forgets a key, arrays are replaced',
        params: connectionParams,
        body: settingsPatch,
        response: answers({ 200: settingsAnswer }, 404),
      },
      handler: async (request) => {
        const connection = await connectionFor(deps, request, request.params.id);
        const { callbackUrl } = request.body;
        if (typeof callbackUrl === 'string' && !deps.callback.allows(callbackUrl)) {
          throw invalid({ field: 'callbackUrl', message: 'must be https, at a public address' });
        }
        const chart = await deps.charts.of(connection);
        const settings = await deps.settings.change(connection.id, request.body, (wished) => {
          refuseOwnFaults(request.body, faultsOf(connection, wished, chart));
        });
        // The first full read may be waiting for account codes.
        await deps.backfills.connectionChanged(connection.id);
        if (scheduled.some((field) => request.body[field] !== undefined)) await deps.schedules.keep(connection.id);
        return shown(connection, settings, chart);
      },
    });

    app.route({
      method: 'GET',
      url: '/connections/:id/mapping-options',
      config: { permission: 'read' },
      schema: {
        tags,
        operationId: 'getMappingOptions',
        summary: 'Accounts, tax rates, tracking and currencies of the organisation that settings can name',
        params: connectionParams,
        response: answers({ 200: mappingOptionsSchema }, 404, 409),
      },
      handler: async (request) => {
        const chart = await deps.charts.of(await connectionFor(deps, request, request.params.id));
        if (chart === null) throw forbiddenBy('connection_not_ready', { detail: notRead });
        return mappingOptions(chart);
      },
    });
  };
}

const notRead = "The organisation's accounts, tax rates, tracking and currencies have not been read yet.";

/** @throws Problem 404 for a connection that has just been deleted. */
function shown(connection: Connection, settings: Settings | null, chart: Chart | null) {
  if (settings === null) throw notFound();
  return { ...settings, faults: faultsOf(connection, settings, chart) };
}

/** Null where there is nothing yet to check against. */
function faultsOf({ direction }: Connection, settings: Settings, chart: Chart | null): FieldFault[] | null {
  if (direction === 'import') return [];
  return chart && mappingFaults(settings, direction, chart).map(({ field, message }) => ({ field, message }));
}

/**
 * A change is refused for what it names itself and the books do not have, not for what was wrong before. Until the books were
 * read nothing is refused.
 * @throws Problem 422 by field
 */
function refuseOwnFaults(patch: SettingsPatch, faults: FieldFault[] | null): void {
  const own = faults?.filter(({ field }) => concerns(patch, field)) ?? [];
  if (own.length > 0) throw invalid(...own);
}
