import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect, open } from '../../../connectors/rabbitmq/connection.ts';
import { rabbitmq } from '../../../connectors/rabbitmq/index.ts';
import { freePorts } from '../../brokers/broker.ts';
import { makeCertificates, pem as pemOf } from '../../brokers/certificates.ts';
import { makeQueues, type RabbitmqBroker, rabbitmqPassword, startRabbitmq, withChannel } from '../../brokers/rabbitmq.ts';
import { constant, context, errorOf, message, never, type Settings, settings, sinkEnd, sourceEnd, using } from './ends.ts';

let broker: RabbitmqBroker;
const pem = (name: string) => pemOf(broker.dir, name);
beforeAll(async () => {
  broker = await startRabbitmq({ morePorts: ['tls'], conf: tlsConf });
  await broker.api('PUT', 'users/certified', { password: 'unused-but-there', tags: '' });
  await broker.api('PUT', 'permissions/mq/certified', { configure: '.*', write: '.*', read: '.*' });
});
afterAll(() => broker.dispose());

/** A CA, a server certificate for `broker.test`, a client certificate for the user `certified`. */
function tlsConf(dir: string, ports: Record<string, number>): string[] {
  makeCertificates(dir, {
    server: { name: 'broker.test', altNames: 'DNS:broker.test' },
    client: { name: 'certified', altNames: 'DNS:certified' },
  });
  return [
    `listeners.ssl.1 = 127.0.0.1:${ports['tls']}`,
    `ssl_options.cacertfile = ${join(dir, 'ca.pem')}`,
    `ssl_options.certfile = ${join(dir, 'server.pem')}`,
    `ssl_options.keyfile = ${join(dir, 'server.key.pem')}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = false',
    'auth_mechanisms.1 = PLAIN',
    'auth_mechanisms.2 = EXTERNAL',
    'ssl_cert_login_from = common_name',
  ];
}

async function outcome(given: Settings, signal = never): Promise<string> {
  const link = await connect(given, 'test', signal);
  await link.close();
  return link.address;
}

const failure = (given: Settings, signal = never) => errorOf(outcome(given, signal));

describe('logging in', () => {
  test('takes user, password and vhost from the url or from beside it', async () => {
    const bare = `amqp://127.0.0.1:${broker.ports['amqp']}`;
    expect(await outcome(settings(broker.url()))).toBe(bare);
    expect(await outcome(settings(broker.url('/')))).toBe(bare);
    expect(await outcome(settings(bare, { username: 'mq', password: rabbitmqPassword, vhost: 'mq' }))).toBe(bare);
  });

  test('a wrong password is AUTH, and no error ever says it', async () => {
    const error = await failure(settings(broker.url().replace('mq-pass', 'wrong-canary')));
    expect(error).toMatchObject({ code: 'AUTH' });
    expect(error.message).toMatch(/ACCESS.REFUSED/);
    expect(`${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}`).not.toContain('canary');
  });

  test.each(['nowhere', '/'])('a vhost that is not there or not ours (%s) is FORBIDDEN', async (vhost) => {
    await broker.api('PUT', 'users/stranger', { password: 'stranger', tags: '' });
    const error = await failure(settings(broker.url(vhost).replace('mq:mq-pass', 'stranger:stranger')));
    expect(error).toMatchObject({ code: 'FORBIDDEN' });
    expect(error.message).toContain(JSON.stringify(vhost));
  });

  test.each(['http://h/', 'amqp://', 'not a url with canary', 'amqp://u:canary@:99/'])('%s is CONFIG_INVALID', async (url) => {
    const error = await failure(settings(url));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(error.message).not.toContain('canary');
  });
});

describe('reaching', () => {
  let mute: Server;
  const sockets: Socket[] = [];
  let mutePort = 0;
  beforeAll(async () => {
    mute = createServer((socket) => sockets.push(socket.on('error', () => {})));
    [mutePort] = (await freePorts(1)) as [number];
    await new Promise<void>((resolve) => mute.listen(mutePort, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  test('nobody there is NOT_CONNECTED', async () => {
    const [port] = await freePorts(1);
    const error = await failure(settings(`amqp://127.0.0.1:${port}`));
    expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(error.message).toContain(`cannot connect to amqp://127.0.0.1:${port}: connect ECONNREFUSED`);
  });

  test('a peer that says nothing is given up after the time-out, and let go', async () => {
    const error = await failure(settings(`amqp://127.0.0.1:${mutePort}`, { connectTimeout: 200 }));
    expect(error).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(error.message).toMatch(/no answer within 200 ms/);
  });

  test('a TLS handshake that nobody answers is given up too', async () => {
    const error = await failure(settings(`amqps://127.0.0.1:${mutePort}`, { connectTimeout: 200 }));
    expect(error.message).toMatch(/no answer within 200 ms/);
  });

  test('an abort stops it at once', async () => {
    const stop = new AbortController();
    const opening = failure(settings(`amqp://127.0.0.1:${mutePort}`, { connectTimeout: 60_000 }), stop.signal);
    stop.abort();
    expect(await opening).toMatchObject({ code: 'NOT_CONNECTED' });
    expect(await failure(settings(broker.url()), AbortSignal.abort())).toMatchObject({ code: 'NOT_CONNECTED' });
  });

  test('a broker that falls silent between login and consuming is given up, on time-out and on abort', async () => {
    const silently = (given: Settings, signal: AbortSignal) =>
      errorOf(
        open(
          given,
          'silent',
          signal,
          () => 'cannot read',
          (link) => {
            link.socket.cork(); // nothing gets out any more
            return link.channel('plain');
          },
        ),
      );
    const since = performance.now();
    const error = await silently(settings(broker.url(), { connectTimeout: 500 }), never);
    expect(error).toMatchObject({
      code: 'NOT_CONNECTED',
      message: expect.stringMatching(/cannot read: stopped, or no answer within 500 ms/),
    });
    expect(await silently(settings(broker.url(), { connectTimeout: 60_000 }), AbortSignal.timeout(500))).toMatchObject({
      code: 'NOT_CONNECTED',
    });
    expect(performance.now() - since).toBeLessThan(10_000);
  });

  test('an abort after opening leaves the link alone', async () => {
    await makeQueues(broker, ['abort']);
    const stop = new AbortController();
    const sink = await sinkEnd(broker, 'abort').open(stop.signal);
    stop.abort();
    expect(await sink.write([message('x')])).toEqual([]);
    await sink.close();
  });

  test('of several addresses the first that answers is used', async () => {
    const [port] = await freePorts(1);
    const urls = [`amqp://127.0.0.1:${port}`, `amqp://127.0.0.1:${mutePort}`, broker.url()];
    expect(await outcome(settings(urls, { connectTimeout: 300 }))).toBe(`amqp://127.0.0.1:${broker.ports['amqp']}`);
  });

  test('closing does not wait for a peer that is frozen', async () => {
    await makeQueues(broker, ['frozen']);
    const forward = createServer((client) => {
      const upstream = new (client.constructor as typeof Socket)();
      upstream.connect(broker.ports['amqp']!, '127.0.0.1');
      client.pipe(upstream).pipe(client);
      for (const end of [client, upstream]) end.on('error', () => {});
      frozen = () => client.unpipe(upstream);
      cut = () => upstream.destroy();
    });
    let frozen = () => {};
    let cut = () => {};
    const [port] = (await freePorts(1)) as [number];
    await new Promise<void>((resolve) => forward.listen(port, '127.0.0.1', resolve));
    const end = rabbitmq.sink!.create(
      {
        connection: settings(broker.url().replace(String(broker.ports['amqp']), String(port))),
        exchange: undefined,
        routingKey: undefined,
        queue: constant('frozen'),
        confirmTimeout: 300,
      },
      context(),
    );
    const sink = await end.open(never);
    frozen();
    expect(await errorOf(sink.write([message('never confirmed')]))).toMatchObject({ code: 'NOT_CONNECTED' });
    const second = await end.open(never);
    frozen();
    const since = performance.now();
    await Promise.all([sink.close(), second.close()]);
    expect(performance.now() - since).toBeLessThan(4_000);
    cut();
    forward.close();
  });
});

describe('TLS', () => {
  const address = () => `amqps://127.0.0.1:${broker.ports['tls']}`;
  const none = { ca: undefined, cert: undefined, key: undefined, passphrase: undefined, servername: undefined, insecure: false };
  const login = { username: 'mq', password: rabbitmqPassword, vhost: 'mq' };

  test('works with an own CA, as text or as a file', async () => {
    const tls = { ...none, servername: 'broker.test' };
    expect(await outcome(settings(address(), { ...login, tls: { ...tls, ca: pem('ca') } }))).toBe(address());
    expect(await outcome(settings(address(), { ...login, tls: { ...tls, ca: join(broker.dir, 'ca.pem') } }))).toBe(address());
  });

  test.each([
    ['an unknown CA', () => ({ servername: 'broker.test' })],
    ['a certificate for another name', () => ({ ca: pem('ca'), servername: 'other.test' })],
  ])('%s is AUTH', async (_what, tls) => {
    expect(await failure(settings(address(), { ...login, tls: { ...none, ...tls() } }))).toMatchObject({ code: 'AUTH' });
  });

  test('insecure takes any certificate', async () => {
    expect(await outcome(settings(address(), { ...login, tls: { ...none, insecure: true } }))).toBe(address());
  });

  test('external logs in with the client certificate', async () => {
    await makeQueues(broker, ['external']);
    const tls = { ...none, ca: pem('ca'), cert: pem('client'), key: pem('client.key'), servername: 'broker.test' };
    const connection = settings(address(), { auth: 'external', vhost: 'mq', tls });
    await using(sinkEnd(broker, { connection, queue: constant('external') }), async (sink) =>
      expect(await sink.write([message('x')])).toEqual([]),
    );
    const without = settings(address(), { auth: 'external', vhost: 'mq', tls: { ...tls, cert: undefined, key: undefined } });
    expect(await failure(without)).toMatchObject({ code: 'AUTH' });
  });

  test('a key that is neither PEM nor a file is not said aloud', async () => {
    const error = await failure(settings(address(), { ...login, tls: { ...none, key: 'canary pasted badly' } }));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(`${error.message}${error.stack}${String(error.cause)}`).not.toContain('canary');
  });
});

describe('check', () => {
  const look = async (queue: string, more = {}) => {
    const config = { connection: settings(broker.url()), queue, prefetch: undefined, exclusive: false, declare: undefined, ...more };
    return rabbitmq.source!.check!(config, context());
  };
  const lookSink = async (target: object) =>
    rabbitmq.sink!.check!(
      { connection: settings(broker.url()), exchange: undefined, routingKey: undefined, queue: undefined, confirmTimeout: 1, ...target },
      context(),
    );

  test('says what is there and what is not, for both ends', async () => {
    await makeQueues(broker, ['checked']);
    await withChannel(broker, async (channel) => channel.sendToQueue('checked', Buffer.from('x')) && channel.checkQueue('checked'));
    expect(await look('checked')).toMatchObject([{ ok: true }, { what: 'queue checked', ok: true, text: '1 ready, 0 consumers' }]);
    expect(await look('unchecked')).toMatchObject([{ ok: true }, { ok: false, text: expect.stringMatching(/NOT_FOUND/) }]);
    expect(await lookSink({ queue: constant('checked') })).toMatchObject([{ ok: true }, { what: 'queue checked', ok: true }]);
    expect(await lookSink({ exchange: 'amq.topic', routingKey: constant('k') })).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await lookSink({ exchange: 'nowhere', routingKey: constant('k') })).toMatchObject([{ ok: true }, { ok: false }]);
    expect(await look('checked', { connection: settings(broker.url().replace('mq-pass', 'no')) })).toMatchObject([
      { what: 'connection', ok: false },
    ]);
  });

  test('says that an exclusive source would not be alone', async () => {
    await makeQueues(broker, ['read']);
    await using(sourceEnd(broker, 'read'), async () =>
      expect(await look('read', { exclusive: true })).toMatchObject([{ ok: true }, { ok: false }]),
    );
  });
});
