import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import { assertAllowed, guardedLookup, type Inside, kindOf } from '../../../src/steps/lookups/addresses.ts';

test.each<[string, string | undefined]>([
  ['8.8.8.8', undefined],
  ['172.15.255.255', undefined],
  ['172.32.0.1', undefined],
  ['2606:4700:4700::1111', undefined],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['10.0.0.5', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd00::1', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['169.254.169.254', 'linkLocal'],
  ['::ffff:a9fe:a9fe', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['0.0.0.0', 'special'],
  ['255.255.255.255', 'special'],
  ['224.0.0.1', 'special'],
  ['192.0.2.1', 'special'],
  ['::', 'special'],
  ['::127.0.0.1', 'special'],
  ['64:ff9b::7f00:1', 'special'],
  ['2002:7f00:1::', 'special'],
  ['2001:0:1::', 'special'],
  ['ff02::1', 'special'],
])('the address %s is of kind %s', (address, kind) => expect(kindOf(address)).toBe(kind));

test('only the kinds that are named are allowed; special addresses never', () => {
  const all: Inside[] = ['loopback', 'private', 'linkLocal'];
  const isAllowed = (address: string, allowed: readonly Inside[]) => {
    try {
      assertAllowed('api.example', address, allowed);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'FORBIDDEN', message: expect.stringContaining(`api.example is ${address}`) });
      return false;
    }
  };
  expect(['8.8.8.8', '10.0.0.1', '169.254.169.254', '127.0.0.1'].map((address) => isAllowed(address, []))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(['10.0.0.1', '169.254.169.254', '127.0.0.1'].map((address) => isAllowed(address, ['private']))).toEqual([true, false, false]);
  expect(['0.0.0.0', '64:ff9b::7f00:1'].map((address) => isAllowed(address, all))).toEqual([false, false]);
});

describe('the lookup of a socket', () => {
  const names = (addresses: LookupAddress[]) => (_host: string, _options: object, done: (e: null, all: LookupAddress[]) => void) =>
    done(null, addresses);
  const outcome = (addresses: LookupAddress[], options: object = {}, allowed: readonly Inside[] = []) =>
    new Promise((resolve) => guardedLookup(allowed, names(addresses))('api.example', options, (...given) => resolve(given)));
  const good = { address: '93.184.216.34', family: 4 };

  test('gives what it has judged, one or all', async () => {
    expect(await outcome([good])).toEqual([null, '93.184.216.34', 4]);
    expect(await outcome([good], { all: true })).toEqual([null, [good]]);
  });

  test('fails when one of several addresses is not allowed, as a name may lead to both', async () => {
    const forbidden = expect.objectContaining({ code: 'FORBIDDEN' });
    expect(await outcome([good, { address: '::1', family: 6 }], { all: true })).toEqual([forbidden, '']);
    expect(await outcome([{ address: '169.254.169.254', family: 4 }])).toEqual([forbidden, '']);
    expect(await outcome([{ address: '10.1.1.1', family: 4 }], {}, ['private'])).toEqual([null, '10.1.1.1', 4]);
  });

  test('fails for a name without an address', async () => {
    expect(await outcome([])).toEqual([expect.any(Error), '']);
  });
});
