import type { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { searchAttributes } from '../domain/names.js';

/** The types of search attributes, as Temporal's tools spell them, and as the SDK does. */
const types = {
  Text: 'TEXT',
  Keyword: 'KEYWORD',
  Int: 'INT',
  Double: 'DOUBLE',
  Bool: 'BOOL',
  Datetime: 'DATETIME',
  KeywordList: 'KEYWORD_LIST',
} as const;

export type SearchAttributeTypeName = keyof typeof types;
export type SearchAttributes = Readonly<Record<string, SearchAttributeTypeName>>;

/** What the workflows of Nightledger set. */
export const searchAttributeTypes = {
  [searchAttributes.company]: 'Keyword',
  [searchAttributes.connection]: 'Keyword',
  [searchAttributes.state]: 'Keyword',
  [searchAttributes.sleepingUntil]: 'Datetime',
} as const;

/**
 * Registers the attributes that the namespace lacks. The dev server's own flag does so only while it makes its database:
 * with a file of an earlier version, later attributes would be missing.
 * @throws the client's error where the server does not let its attributes be changed this way (Temporal Cloud).
 */
export async function addMissingSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
  wanted: SearchAttributes,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.entries(wanted).filter(([name]) => customAttributes?.[name] === undefined);
  if (missing.length > 0) await addSearchAttributes(connection, namespace, Object.fromEntries(missing));
}

/** Registers attributes that the namespace does not have. */
export async function addSearchAttributes(
  { operatorService }: Pick<Connection, 'operatorService'>,
  namespace: string,
  added: SearchAttributes,
): Promise<void> {
  const entries = Object.entries(added).map(([name, type]) => [name, encode(type)]);
  await operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(entries) });
}

function encode(type: SearchAttributeTypeName) {
  return encodeSearchAttributeIndexedValueType(types[type]) as NonNullable<
    ReturnType<typeof encodeSearchAttributeIndexedValueType>
  >;
}
