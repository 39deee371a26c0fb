/** Every column that holds sealed values: what the rotation of keys goes through. Another one is another row. */
import { callbackSecretContext } from './callbackSecrets.js';
import { consentContext } from './consents.js';
import { grantContext } from './grants.js';
import { keptAnswerContext } from './keptAnswers.js';
import { tombstoneKeyContext } from './tombstones.js';

/** A value of a key column as pg reads it. */
export type KeyValue = string | Buffer;

export interface SealedColumn {
  table: string;
  /** The columns of the table's primary key, in its order. */
  key: readonly string[];
  column: string;
  /** What binds a value to its row: the same that the table's repository seals with. */
  context(...key: KeyValue[]): string;
}

export const sealedColumns: readonly SealedColumn[] = [
  { table: 'oauth_grant', key: ['id'], column: 'sealed_tokens', context: (id) => grantContext(id as string) },
  {
    table: 'consent',
    key: ['state_hash'],
    column: 'sealed_verifier',
    context: (hash) => consentContext(hash as Buffer),
  },
  {
    table: 'kept_answer',
    key: ['key_id', 'idempotency_key'],
    column: 'sealed_body',
    context: (keyId, idempotencyKey) => keptAnswerContext(keyId as string, idempotencyKey as string),
  },
  {
    table: 'connection',
    key: ['id'],
    column: 'sealed_callback_secret',
    context: (id) => callbackSecretContext(id as string),
  },
  { table: 'tombstone_key', key: ['only_row'], column: 'sealed_key', context: () => tombstoneKeyContext },
];
