import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Journal } from '../core/journal.js';

/** One key for all memory-only simulators of a process: making one takes a while. */
let processKey: string | undefined;

const makeKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** The key that tokens are signed with (RS256), kept over restarts. */
export class SigningKey {
  private key: KeyObject | undefined;
  private readonly record: (data: { pem: string }) => void;

  constructor(journal: Journal) {
    this.record = journal.event<{ pem: string }>('signingKeyMade', ({ pem }) => {
      this.key = createPrivateKey(pem);
    });
  }

  /** Makes a key if none was kept. */
  ensure(): void {
    if (this.key) return;
    processKey ??= makeKey();
    this.record({ pem: processKey });
  }

  /** The public half, as the JWKS document shows it. */
  jwk(): Record<string, unknown> {
    const { kty, n, e } = createPublicKey(this.secret()).export({ format: 'jwk' });
    return { kty, use: 'sig', alg: 'RS256', kid: this.kid(), n, e };
  }

  sign(payload: Record<string, unknown>): string {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'RS256', kid: this.kid(), typ: 'JWT' })}.${part(payload)}`;
    return `${unsigned}.${sign('RSA-SHA256', Buffer.from(unsigned), this.secret()).toString('base64url')}`;
  }

  private kid(): string {
    const { n = '' } = createPublicKey(this.secret()).export({ format: 'jwk' });
    return createHash('sha1').update(n).digest('hex').toUpperCase();
  }

  private secret(): KeyObject {
    if (!this.key) throw new Error('there is no signing key yet');
    return this.key;
  }
}
