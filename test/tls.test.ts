import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { isTlsFailure, tlsNotes, tlsOptions } from '../src/tls.ts';

const dir = mkdtempSync(join(tmpdir(), 'mqferry-pem-'));
afterAll(() => rmSync(dir, { recursive: true }));

const none = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

test('certificates are PEM text or files, read anew each time', () => {
  const file = join(dir, 'ca.pem');
  writeFileSync(file, pem('one'));
  const tls = { ...none, ca: file, cert: pem('client'), servername: 'broker' };
  expect(tlsOptions(tls)).toEqual({ rejectUnauthorized: true, ca: pem('one'), cert: pem('client'), servername: 'broker' });
  writeFileSync(file, pem('two'));
  expect(tlsOptions(tls).ca).toBe(pem('two'));
});

test('a key that is neither is never shown', () => {
  const wrong = () => tlsOptions({ ...none, key: 'canary pasted badly' });
  expect(wrong).toThrow(/tls\.key is neither PEM text nor the name of a readable file \(ENOENT\)/);
  expect(wrong).not.toThrow(/canary/);
});

test('insecure is said, and done', () => {
  expect(tlsNotes(undefined)).toEqual([]);
  expect(tlsNotes(none)).toEqual([]);
  expect(tlsNotes({ ...none, insecure: true })).toEqual([expect.stringContaining('anybody in between')]);
  expect(tlsOptions({ ...none, insecure: true })).toEqual({ rejectUnauthorized: false });
});

test.each([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_SSL_WRONG_VERSION_NUMBER',
])('%s is a failure of TLS', (code) => expect(isTlsFailure(Object.assign(new Error('x'), { code }))).toBe(true));

test('other failures are not', () => {
  for (const error of [new Error('CERT'), Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), undefined, null])
    expect(isTlsFailure(error)).toBe(false);
});
