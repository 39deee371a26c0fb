/** Which addresses a callback may be at: those of the public internet, as the registries of special ranges leave it. */
import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A callback lies where no call of ours may go. */
export class ForbiddenAddress extends Error {
  constructor() {
    super('the callback is not at a public address');
    this.name = 'ForbiddenAddress';
  }
}

export type Permits = (address: string) => boolean;

/** Only what everybody on the internet can reach; an IPv4 address within an IPv6 one counts as what it is. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  // Global unicast is all that is given out of IPv6 (RFC 4291, §2.4); the deprecated forms of the rest hold IPv4 addresses.
  return parsed.kind() === 'ipv4' || parsed.match(ipaddr.parse('2000::'), 3);
}

/** Also this machine: where the platform runs beside the service, as in the demo. */
export function isPublicOrLoopback(address: string): boolean {
  return isPublic(address) || (ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback');
}

/**
 * Looks a name up for a connection, so that what was checked is what is connected to: no second look-up can answer another
 * address. One forbidden address among the answers forbids them all.
 */
export function checkedLookup(permits: Permits, look: typeof resolve = resolve): LookupFunction {
  return (hostname, options, done) => {
    look(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '', 0);
      const [first] = found;
      if (first === undefined || !found.every(({ address }) => permits(address))) {
        return done(new ForbiddenAddress(), '', 0);
      }
      if (options.all) return done(null, found);
      return done(null, first.address, first.family);
    });
  };
}

/** A literal address is connected to without a look-up; a name is not judged here. */
export function mayBeLiteral(hostname: string, permits: Permits): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  return !ipaddr.isValid(address) || permits(address);
}
