/** Finding what a request names, as far as its key may see it; what is found is noted as what it is about. */
import type { FastifyRequest } from 'fastify';
import type { BoundOrganisation, Company, Connection } from '../domain/ports.js';
import { sees } from './authentication.js';
import { concern } from './concerns.js';
import type { ApiDeps } from './deps.js';
import { forbiddenBy, notFound } from './problems.js';

/** @throws Problem 404, for another company's connection too. */
export async function connectionFor(
  deps: Pick<ApiDeps, 'connections'>,
  request: FastifyRequest,
  id: string,
): Promise<Connection> {
  const connection = await deps.connections.get(id);
  if (connection === null || !sees(request, connection.companyId)) throw notFound();
  concern(request, connection.companyId, connection.id);
  return connection;
}

/** @throws Problem 404, for another company too. */
export async function companyFor(
  deps: Pick<ApiDeps, 'companies'>,
  request: FastifyRequest,
  id: string,
): Promise<Company> {
  const company = sees(request, id) ? await deps.companies.get(id) : null;
  if (company === null) throw notFound();
  concern(request, company.id);
  return company;
}

/** @throws Problem 409 `connection_not_ready` before an organisation is bound. */
export function organisationOf(connection: Connection): BoundOrganisation {
  if (connection.organisation === null) throw forbiddenBy('connection_not_ready');
  return connection.organisation;
}
