/** TLS against a real broker, which asks for a client certificate. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSource } from '../../../connectors/stomp/check.ts';
import type { ConnectionConfig } from '../../../connectors/stomp/config.ts';
import { stompSink } from '../../../connectors/stomp/sink.ts';
import { captureLog } from '../../../src/testkit/index.ts';
import { makeCertificates, pem } from '../../brokers/certificates.ts';
import { type RabbitmqBroker, startRabbitmq } from '../../brokers/rabbitmq.ts';
import { bodies, connection, constant, context, drain, never, openSink, openSource, sourceEnd, texts } from './ends.ts';

let broker: RabbitmqBroker;
let ours: string;
let strange: string;
beforeAll(async () => {
  broker = await startRabbitmq({ morePorts: ['stomps'], conf: tlsConf });
  await broker.api('PUT', 'users/certified', { password: 'unused-but-there', tags: '' });
  await broker.api('PUT', 'permissions/mq/certified', { configure: 'certified', write: '', read: 'certified' });
  ours = join(broker.dir, 'ours');
  strange = join(broker.dir, 'strange');
});
afterAll(() => broker?.dispose());

function tlsConf(dir: string, ports: Record<string, number>): string[] {
  const client = { name: 'certified', altNames: 'DNS:certified' };
  makeCertificates(join(dir, 'ours'), { server: { name: 'broker.test', altNames: 'DNS:broker.test' }, client });
  makeCertificates(join(dir, 'strange'), { client });
  return [
    `stomp.listeners.ssl.1 = 127.0.0.1:${ports['stomps']}`,
    `ssl_options.cacertfile = ${dir}/ours/ca.pem`,
    `ssl_options.certfile = ${dir}/ours/server.pem`,
    `ssl_options.keyfile = ${dir}/ours/server.key.pem`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
    'stomp.ssl_cert_login = true',
    'ssl_cert_login_from = common_name',
  ];
}

type Tls = NonNullable<ConnectionConfig['tls']>;

/** A connection as it should be, but for these settings. */
function to(tls: Partial<Tls> = {}, login = 'mq:mq-pass@'): ConnectionConfig {
  const right = {
    ca: pem(ours, 'ca'),
    cert: pem(ours, 'client'),
    key: pem(ours, 'client.key'),
    passphrase: undefined,
    servername: 'broker.test',
    insecure: false,
  };
  const url = [`stomps://${login}127.0.0.1:${broker.ports['stomps']}`];
  return connection(0, { url, vhost: 'mq', broker: 'rabbitmq', tls: { ...right, ...tls } });
}

test('carries messages both ways, with an own CA and a client certificate', async () => {
  const sink = await openSink(to(), '/queue/tls');
  expect(await sink.write(texts(200))).toEqual([]);
  await sink.close();
  expect(bodies(await drain(to(), '/queue/tls'))).toEqual(bodies(texts(200)));
});

test('logs in by the client certificate when there is no user', async () => {
  // Only the user of that name may read this queue, and no other.
  await (await openSource(to({}, ''), '/queue/certified')).close();
  await expect(openSource(to({}, ''), '/queue/tls')).rejects.toThrow(/user 'certified'/);
});

describe('is AUTH, with the reason,', () => {
  test.each<[string, () => Partial<Tls>, RegExp]>([
    ['for a broker whose CA is not known', () => ({ ca: undefined }), /unable to verify|self-signed/],
    ['for a broker of another CA', () => ({ ca: pem(strange, 'ca') }), /unable to verify|self-signed/],
    [
      'for a certificate with another name',
      () => ({ servername: 'other.test' }),
      /does not match certificate's altnames|Host: other\.test/,
    ],
    ['for a certificate without the address of the URL', () => ({ servername: undefined }), /127\.0\.0\.1/],
    ['without the client certificate that the broker asks for', () => ({ cert: undefined, key: undefined }), /certificate/],
    [
      'for a client certificate that the broker does not trust',
      () => ({ cert: pem(strange, 'client'), key: pem(strange, 'client.key') }),
      /unknown ca/,
    ],
  ])('%s', async (_what, tls, reason) => {
    const failed = { code: 'AUTH', message: expect.stringMatching(reason) };
    await expect(openSource(to(tls()), '/queue/tls')).rejects.toMatchObject(failed);
    await expect(openSink(to(tls()), '/queue/tls')).rejects.toMatchObject(failed);
  });
});

test('insecure takes the certificate of anybody, and is seen in what the route promises and in the log', async () => {
  const log = captureLog();
  const insecure = to({ ca: undefined, servername: 'other.test', insecure: true });
  const end = stompSink({ connection: insecure, destination: constant('/queue/tls'), confirmTimeout: 1000 }, context(undefined, log));
  await (await end.open(never)).close();
  expect(end.can.notes?.join()).toContain('`tls.insecure` accepts any certificate');
  expect(sourceEnd(insecure, '/queue/tls').can.notes?.join()).toContain('`tls.insecure` accepts any certificate');
  expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ text: expect.stringContaining('`tls.insecure`') }]);
});

test('check says what is wrong with a certificate', async () => {
  const look = (tls: Partial<Tls>) =>
    checkSource(
      { connection: to(tls), destination: '/queue/tls', prefetch: undefined, selector: undefined, durable: undefined },
      context(),
    );
  expect(await look({})).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  expect(await look({ ca: undefined })).toMatchObject([{ ok: false, text: expect.stringContaining('tls settings') }]);
});

test('plain text to a TLS port, and TLS to a plain one, are a lost link', async () => {
  const plain = { ...to(), url: [`stomp://mq:mq-pass@127.0.0.1:${broker.ports['stomps']}`], tls: undefined, connectTimeout: 2000 };
  await expect(openSink(plain, '/queue/tls')).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
  const tls = { ...to(), url: [`stomps://mq:mq-pass@127.0.0.1:${broker.ports['stomp']}`], connectTimeout: 2000 };
  await expect(openSink(tls, '/queue/tls')).rejects.toThrow(/cannot connect to stomps/);
});
