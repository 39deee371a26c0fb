/** Encryption of single values at rest: AES-256-GCM under keys with ids, so that keys can be changed without a standstill. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface SealingKeys {
  /** The id of the key that seals. */
  current: string;
  /** 32 bytes each, by id; all of them open. */
  keys: Readonly<Record<string, Buffer>>;
}

/** A value was sealed with a key that is not configured (any more). */
export class MissingSealingKey extends Error {
  constructor(readonly keyId: string) {
    super(`there is no sealing key with the id ${keyId}`);
    this.name = 'MissingSealingKey';
  }
}

export interface Sealing {
  /** The first bytes of every value that the current key sealed, and of no other. */
  readonly currentHead: Buffer;
  seal(plain: string, context: string): Buffer;
  /** @throws MissingSealingKey; an Error when the context is another one, or a byte was changed. */
  open(sealed: Buffer, context: string): string;
}

const algorithm = 'aes-256-gcm';
const formatVersion = 1;
const ivBytes = 12;
const tagBytes = 16;

/**
 * Layout: format version, length of the key id, key id, iv, tag, ciphertext. All before the iv and the context are
 * authenticated: a value copied into another row does not open.
 * @throws Error when a key is not 32 bytes long; MissingSealingKey when the current one is not among them.
 */
export function createSealing({ current, keys }: SealingKeys): Sealing {
  for (const [id, key] of Object.entries(keys)) {
    if (key.length !== 32) throw new Error(`sealing key ${id} must be 32 bytes long`);
    if (Buffer.byteLength(id) > 255) throw new Error('the id of a sealing key is longer than 255 bytes');
  }
  const sealingKey = keyOf(keys, current);
  const head = headOf(current);

  return {
    currentHead: head,

    seal(plain, context) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv(algorithm, sealingKey, iv).setAAD(authenticated(head, context));
      const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return Buffer.concat([head, iv, cipher.getAuthTag(), text]);
    },

    open(sealed, context) {
      if (sealed[0] !== formatVersion) throw new Error('sealed in a format that is not known here');
      const headBytes = 2 + (sealed[1] ?? 0);
      const itsHead = sealed.subarray(0, headBytes);
      const iv = sealed.subarray(headBytes, headBytes + ivBytes);
      const tag = sealed.subarray(headBytes + ivBytes, headBytes + ivBytes + tagBytes);
      const decipher = createDecipheriv(algorithm, keyOf(keys, itsHead.subarray(2).toString('utf8')), iv, {
        authTagLength: tagBytes,
      });
      decipher.setAAD(authenticated(itsHead, context)).setAuthTag(tag);
      const text = sealed.subarray(headBytes + ivBytes + tagBytes);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
    },
  };
}

function keyOf(keys: Readonly<Record<string, Buffer>>, id: string): Buffer {
  const key = Object.hasOwn(keys, id) ? keys[id] : undefined;
  if (key === undefined) throw new MissingSealingKey(id);
  return key;
}

function headOf(keyId: string): Buffer {
  const id = Buffer.from(keyId, 'utf8');
  return Buffer.concat([Buffer.from([formatVersion, id.length]), id]);
}

function authenticated(head: Buffer, context: string): Buffer {
  return Buffer.concat([head, Buffer.from(context, 'utf8')]);
}
