/**
 * Which addresses a request may be sent to. What a name leads to is somebody else's word, and may be another one a moment later: so the
 * address is judged when the connection is made, and that very address is used.
 */
import { type LookupAddress, type LookupAllOptions, type LookupOptions, lookup as resolve } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { MqferryError } from '../../errors.ts';

/** Kinds of addresses that are not of the public internet, and may be allowed. */
export const inside = ['loopback', 'private', 'linkLocal'] as const;
export type Inside = (typeof inside)[number];

const ranges: Readonly<Record<Inside | 'special', readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7', 'fec0::/10'],
  linkLocal: ['169.254.0.0/16', 'fe80::/10'],
  // Of no host, or the address of another one in disguise (NAT64, 6to4, Teredo); IANA's registries of special-purpose addresses.
  special: [
    '0.0.0.0/8',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
  ],
};

/** Of IPv6 only this is of the public internet; what is outside of it and of no other kind is special. */
const publicIpv6 = listOf(['2000::/3']);

const lists = new Map(Object.entries(ranges).map(([kind, nets]) => [kind as Inside | 'special', listOf(nets)]));

/** Undefined for an address of the public internet. */
export function kindOf(address: string): Inside | 'special' | undefined {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  for (const [kind, list] of lists) if (list.check(address, family)) return kind; // sees through IPv4 inside IPv6 (::ffff:…) itself
  return family === 'ipv4' || publicIpv6.check(address, family) ? undefined : 'special';
}

/** Throws FORBIDDEN for an address that is not allowed. */
export function assertAllowed(host: string, address: string, allowed: readonly Inside[]): void {
  const kind = kindOf(address);
  if (kind === undefined || (kind !== 'special' && allowed.includes(kind))) return;
  const remedy = kind === 'special' ? '' : `; if that is meant, write \`allow: [${kind}]\``;
  const what = {
    loopback: 'of this machine',
    private: 'of a private network',
    linkLocal: 'of the local link',
    special: 'of no public host',
  }[kind];
  throw new MqferryError('FORBIDDEN', `${host} is ${address}, an address ${what}${remedy}`);
}

type Resolve = (host: string, options: LookupAllOptions, done: (error: Error | null, addresses: LookupAddress[]) => void) => void;

/** What a socket asks for the addresses of a name; fails when one of them is not allowed. */
export function guardedLookup(allowed: readonly Inside[], ask: Resolve = resolve): LookupFunction {
  return (host, options: LookupOptions, done) => {
    ask(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first) return done(error ?? new Error(`${host} has no address`), '');
      try {
        for (const { address } of addresses) assertAllowed(host, address, allowed);
      } catch (forbidden) {
        return done(forbidden as Error, '');
      }
      if (options.all) return done(null, addresses);
      return done(null, first.address, first.family);
    });
  };
}

function listOf(nets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const net of nets) {
    const [address, bits] = net.split('/') as [string, string];
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
