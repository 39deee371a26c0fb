import type { OrganisationFacts } from '../domain/ports.js';
import { XeroFault } from '../domain/problems.js';
import { ianaTimeZone } from './timeZone.js';

interface OrganisationBody {
  Name?: unknown;
  BaseCurrency?: unknown;
  Timezone?: unknown;
  CountryCode?: unknown;
}

/**
 * What we need to know of an organisation, out of its record as Xero sent it (xero-api.md §4).
 * @throws XeroFault `badAnswer` when the name or the base currency is missing.
 */
export function organisationFacts(body: string): OrganisationFacts {
  const { Name, BaseCurrency, Timezone, CountryCode } = JSON.parse(body) as OrganisationBody;
  if (typeof Name !== 'string' || typeof BaseCurrency !== 'string') throw new XeroFault('badAnswer', 200);
  return {
    name: Name,
    baseCurrency: BaseCurrency,
    timeZone: ianaTimeZone(typeof Timezone === 'string' ? Timezone : undefined),
    countryCode: typeof CountryCode === 'string' ? CountryCode : null,
  };
}
