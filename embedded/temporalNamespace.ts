import type { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { msToTs } from '@temporalio/common/lib/time.js';

/** The types of search attributes, as `temporal server start-dev --help` spells them, and as the SDK does. */
const TYPES = {
  Text: 'TEXT',
  Keyword: 'KEYWORD',
  Int: 'INT',
  Double: 'DOUBLE',
  Bool: 'BOOL',
  Datetime: 'DATETIME',
  KeywordList: 'KEYWORD_LIST',
} as const;

export type SearchAttributeTypeName = keyof typeof TYPES;
export type SearchAttributes = Readonly<Record<string, SearchAttributeTypeName>>;

export const NAMESPACE = 'default';
const DAY_MS = 86_400_000;

/**
 * Registers the attributes that the namespace lacks. The dev server's own flag does so only while it makes its database:
 * with a file of an earlier version, later attributes would be missing.
 */
export async function addMissingSearchAttributes({ operatorService }: Connection, wanted: SearchAttributes) {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace: NAMESPACE });
  const missing = Object.entries(wanted).filter(([name]) => customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(([name, type]) => [name, encode(type)]));
  await operatorService.addSearchAttributes({ namespace: NAMESPACE, searchAttributes });
}

/** How long ended runs are kept from now on. */
export async function setRetention({ workflowService }: Connection, days: number): Promise<void> {
  const config = { workflowExecutionRetentionTtl: msToTs(days * DAY_MS) };
  await workflowService.updateNamespace({ namespace: NAMESPACE, config });
}

function encode(type: SearchAttributeTypeName) {
  return encodeSearchAttributeIndexedValueType(TYPES[type]) as NonNullable<
    ReturnType<typeof encodeSearchAttributeIndexedValueType>
  >;
}
