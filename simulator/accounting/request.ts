import type { Endpoint } from './endpoints.js';

/** The form of a list call, read from its query and headers (xero-api.md §2). */
export interface ListRequest {
  /** Absent when the call does not page. */
  page?: number;
  pageSize: number;
  offset: number;
  where?: string;
  order?: string;
  modifiedSince?: number;
  includeArchived: boolean;
  summaryOnly: boolean;
  unitDecimals: number;
  parameters: Record<string, string>;
}

export type Query = Record<string, string | string[] | undefined>;

const PAGE_SIZE = { default: 100, smallest: 1, largest: 1000 };

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
const isTrue = (value: string | undefined): boolean => value?.toLowerCase() === 'true';
const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** Reads a list call; what the endpoint does not support is left out here, so that it is ignored. */
export function readListRequest(endpoint: Endpoint, query: Query, modifiedSince: string | undefined): ListRequest {
  const named = new Map(Object.entries(query).map(([name, value]) => [name.toLowerCase(), first(value)]));
  const get = (name: string) => named.get(name.toLowerCase());
  const parameters = Object.keys(endpoint.parameters).flatMap((name) => (get(name) ? [[name, get(name)]] : []));
  return {
    page: pageOf(endpoint, get('page')),
    pageSize: endpoint.paging === 'pages' ? sizeOf(get('pageSize')) : PAGE_SIZE.default,
    offset: Number.parseInt(get('offset') ?? '0', 10) || 0,
    where: endpoint.where === 'ignored' ? undefined : get('where') || undefined,
    order: endpoint.order === 'ignored' ? undefined : get('order') || undefined,
    modifiedSince: endpoint.modifiedSince ? parseModifiedSince(modifiedSince) : undefined,
    includeArchived: isTrue(get('includeArchived')),
    summaryOnly: endpoint.summaryOmits.length > 0 && isTrue(get('summaryOnly')),
    unitDecimals: get('unitdp') === '4' ? 4 : 2,
    parameters: Object.fromEntries(parameters) as Record<string, string>,
  };
}

function pageOf(endpoint: Endpoint, text: string | undefined): number | undefined {
  if (endpoint.paging === 'hundreds') return Math.max(1, Number.parseInt(text ?? '1', 10) || 1);
  if (endpoint.paging !== 'pages' || text === undefined || text === '') return undefined;
  return Math.max(1, Number.parseInt(text, 10) || 1);
}

/** Clamped, never refused. */
function sizeOf(text: string | undefined): number {
  const size = Number.parseInt(text ?? '', 10);
  return Number.isNaN(size) ? PAGE_SIZE.default : clamp(size, PAGE_SIZE.smallest, PAGE_SIZE.largest);
}

/** UTC in whole seconds: ISO without a zone, as the SDK sends it, or RFC 1123. */
export function parseModifiedSince(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2}))?/.exec(text.trim());
  const ms = iso ? Date.parse(`${iso[1]}T${iso[2] ?? '00:00:00'}Z`) : Date.parse(text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000) * 1000;
}
