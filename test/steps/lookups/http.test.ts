import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Message } from '../../../src/message.ts';
import { until } from '../../brokers/broker.ts';
import { JumpClock } from '../jump-clock.ts';
import { anyStepsOf, compiledOf, problemsOf } from '../route.ts';
import { runAll } from '../run.ts';
import { json, type Service, startService } from './service.ts';

const make = (...ids: unknown[]) => ids.map((id) => new Message({ body: Buffer.from(JSON.stringify({ id })) }));
const yaml = ({ origin }: Pick<Service, 'origin'>, more = '', path = '/c/${{ body.id }}') =>
  `- enrich:\n    into: body.found\n    http:\n      url: '${origin}${path}'\n      allow: loopback\n      backoff: 1ms\n${more.replace(/^/gm, '      ')}`;
const found = (messages: readonly Message[]) => messages.map((message) => (message.json() as { found: unknown }).found);

async function ask(service: Service, messages: readonly Message[], more?: string, path?: string) {
  return (await anyStepsOf(yaml(service, more, path)))(messages);
}

async function failureOf(service: Service, more = 'attempts: 1'): Promise<string> {
  const { failed } = await ask(service, make(1), more);
  return failed[0] ? `${failed[0][1].code} ${failed[0][1].message.replace(service.origin, 'ORIGIN')}` : 'none';
}

describe('what is found', () => {
  test('goes into the message, numbers as they are; text is text', async () => {
    const service = await startService((request, response) => {
      if (request.url === '/c/1') json(response, { name: 'Ann', big: 0 });
      else if (request.url === '/c/2') response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('Grüße');
      else response.writeHead(200, { 'content-type': 'application/problem+json' }).end('{"big":12345678901234567890}');
    });
    const { out, failed } = await ask(service, make(1, 2, 3));
    expect(failed).toEqual([]);
    expect(found(out.slice(0, 2))).toEqual([{ name: 'Ann', big: 0 }, 'Grüße']);
    expect(String(out[2]?.body)).toBe('{"id":3,"found":{"big":12345678901234567890}}');
  });

  test('is in the order of the messages, though the answers come in another, and at most so many are asked for at once', async () => {
    const waiting: (() => void)[] = [];
    const service = await startService((request, response) => {
      waiting.push(() => json(response, request.url));
      if (waiting.length === 3 || request.url === '/c/7') for (const go of waiting.splice(0).reverse()) go();
    });
    const { out } = await ask(service, make(1, 2, 3, 4, 5, 6, 7), 'concurrency: 3');
    expect(found(out)).toEqual([1, 2, 3, 4, 5, 6, 7].map((id) => `/c/${id}`));
    expect(service.most).toBe(3);
    expect(service.sockets.size, 'connections are used again').toBe(3);
  });

  test('is asked for once by all who want it, and held as the cache says', async () => {
    const service = await startService((request, response) => json(response, request.url));
    const steps = await anyStepsOf(yaml(service, 'cache: { ttl: 1h }'));
    for (const ids of [[1, 1, 2], [1]]) expect(found((await steps(make(...ids))).out)).toEqual(ids.map((id) => `/c/${id}`));
    expect(service.asked.toSorted()).toEqual(['GET /c/1', 'GET /c/2']);
  });

  test('is asked for by POST with a body where the config says so', async () => {
    const service = await startService((_, response) => json(response, 'yes'));
    const { out } = await ask(service, make(1, 2, 2), 'method: POST\nbody: { query: body.id }\ncache: { ttl: 1h }', '/find');
    expect(found(out)).toEqual(['yes', 'yes', 'yes']);
    expect(service.asked).toEqual(['POST /find {"query":1}', 'POST /find {"query":2}']);
    expect(service.headers[0]).toMatchObject({ 'content-type': 'application/json', 'accept-encoding': 'identity' });
  });

  test('is asked for with the headers of the config', async () => {
    const service = await startService((_, response) => json(response, 1));
    await ask(service, make(1), 'headers: { Authorization: Bearer s3cret, Accept: text/plain }');
    expect(service.headers[0]).toMatchObject({ authorization: 'Bearer s3cret', accept: 'text/plain' });
  });
});

describe('what is no answer', () => {
  test.each([404, 410, 204])('%i says that there is nothing', async (status) => {
    const service = await startService((_, response) => response.writeHead(status).end());
    expect(await failureOf(service)).toBe('NOT_FOUND enrich: there is nothing of this key at ORIGIN');
  });

  test.each([
    ['that is empty', '', 200, 'NOT_FOUND'],
    ['of null', 'null', 200, 'NOT_FOUND'],
    ['cut short', '{"a":', 200, 'DECODE_FAILED'],
    ['of bytes that are no text', '"\xff"', 200, 'DECODE_FAILED'],
    ['too deep', '['.repeat(5000) + ']'.repeat(5000), 200, 'DECODE_FAILED'],
    ['that wants a login', '{}', 401, 'REFUSED'],
    ['that the request is bad', '{}', 400, 'REFUSED'],
  ])('%s fails with its code, at once', async (_what, text, status, code) => {
    const service = await startService((_, response) => response.writeHead(status).end(Buffer.from(text, 'latin1')));
    expect(await failureOf(service, 'attempts: 3')).toContain(`${code} enrich: `);
    expect(service.asked).toHaveLength(1);
  });

  test('of another type, or compressed, cannot be read', async () => {
    const service = await startService((_, response) =>
      response.writeHead(200, { 'content-type': 'text/x', 'content-encoding': 'gzip' }).end('x'),
    );
    expect(await failureOf(service)).toContain('DECODE_FAILED');
    service.answer = (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end('x');
    expect(await failureOf(service)).toBe('DECODE_FAILED enrich: GET ORIGIN: its answer cannot be read: it is neither JSON nor text');
  });

  test.each([301, 302, 307, 308])('a redirect (%i) is followed nowhere', async (status) => {
    const other = await startService((_, response) => json(response, 'stolen'));
    const service = await startService((_, response) => response.writeHead(status, { location: `${other.origin}/c/1` }).end());
    expect(await failureOf(service, 'attempts: 3')).toBe(
      `REFUSED enrich: GET ORIGIN: it answers ${status}, a redirect, and mqferry follows none`,
    );
    expect([service.asked.length, other.asked.length]).toEqual([1, 0]);
  });

  test('with too many bytes fails, however long it goes on', async () => {
    const service = await startService((_, response) => {
      const more = () => response.write('x'.repeat(10_000), () => !response.destroyed && setImmediate(more));
      response.writeHead(200, { 'content-type': 'text/plain' });
      more();
    });
    expect(await failureOf(service, 'maxBytes: 64KiB')).toBe('TOO_LARGE enrich: GET ORIGIN: the answer has more than 65536 bytes');
  });
});

describe('a service in trouble', () => {
  test.each([408, 425, 429, 500, 503])('is tried again after %i', async (status) => {
    const service = await startService((_, response) => json(response, 'there', service.asked.length < 3 ? status : 200));
    const { out } = await ask(service, make(1), 'attempts: 3');
    expect(found(out)).toEqual(['there']);
    service.answer = (_, response) => response.writeHead(status).end();
    expect(await failureOf(service, 'attempts: 2')).toBe(`REFUSED enrich: GET ORIGIN: it answers ${status}`);
    expect(service.asked).toHaveLength(5);
  });

  test('is tried again when it hangs up, also in the middle of an answer', async () => {
    const service = await startService((request, response) => {
      if (service.asked.length === 1) request.socket.destroy();
      else if (service.asked.length === 2) {
        response.writeHead(200, { 'content-length': '100' }).write('{"half":');
        setImmediate(() => request.socket.destroy());
      } else json(response, 'there');
    });
    expect(found((await ask(service, make(1), 'attempts: 3')).out)).toEqual(['there']);
  });

  test('that is not there fails', async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    const { failed } = await (await anyStepsOf(yaml({ origin: `http://127.0.0.1:${port}` }, 'attempts: 2')))(make(1));
    expect(failed[0]?.[1]).toMatchObject({ code: 'NOT_CONNECTED', message: `enrich: GET http://127.0.0.1:${port}: ECONNREFUSED` });
  });

  test('that does not answer in time fails, each try after its time-out; back-off grows', async () => {
    const service = await startService(() => {});
    const clock = new JumpClock();
    const sleep = clock.sleep.bind(clock);
    clock.sleep = async (ms, signal) => {
      if (ms === 700) await until('the request has come', () => service.asked.length > clock.slept.filter((slept) => slept === 700).length);
      await sleep(ms, signal);
    };
    const step = await compiledOf(yaml(service, 'timeout: 700ms\nattempts: 3').replace('backoff: 1ms', 'backoff: 100ms..150ms'), { clock });
    const { failed } = await runAll(step, make(1));
    expect(failed[0]?.[1]).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('no answer within 700 ms') });
    expect(clock.slept).toEqual([700, 100, 700, 150, 700]);
  });

  test('is left alone as soon as the route is closed', async () => {
    const service = await startService(() => {});
    const stop = new AbortController();
    const step = await compiledOf(yaml(service, 'attempts: 100'));
    const running = runAll(step, make(1, 2, 3), stop.signal);
    await until('they are asked for', () => service.asked.length === 3);
    stop.abort();
    expect(await running).toEqual({ out: [], failed: [], dropped: [] });
    expect(service.asked).toHaveLength(3);
  });
});

describe('no message chooses who is asked', () => {
  test('what it puts into the url stays where it stands', async () => {
    const service = await startService((request, response) => json(response, request.url));
    const path = '/c/${{ body.id }}/x?q=${{ body.id }}&z=1';
    const nasty = ['a/b', '../admin', '?x=1', '#', '@evil.example', '%2e%2e', '\\..\\', 'a&z=2', 'ü\r\nHost: evil', ' '];
    const { out, failed } = await ask(service, make(...nasty), '', path);
    expect(failed).toEqual([]);
    expect(found(out)).toEqual(nasty.map((id) => `/c/${encodeURIComponent(id)}/x?q=${encodeURIComponent(id)}&z=1`));
  });

  test.each(['.', '..'])('a part of the path that would be %j fails the message', async (id) => {
    const service = await startService((request, response) => json(response, request.url));
    const { failed } = await ask(service, make(id), 'attempts: 1', '/c/${{ body.id }}/x');
    expect(failed[0]?.[1]).toMatchObject({ code: 'STEP_FAILED' });
    expect(service.asked).toEqual([]);
  });

  test('a url beyond all measure, half a character, and null fail the message', async () => {
    const service = await startService((_, response) => json(response, 1));
    const messages = [...make('x'.repeat(9000)), new Message({ body: Buffer.from('{"id":"\\ud800"}') }), ...make(null)];
    const { failed } = await ask(service, messages);
    expect(failed.map(([, { code }]) => code)).toEqual(['TOO_LARGE', 'STEP_FAILED', 'STEP_FAILED']);
    expect(service.asked).toEqual([]);
  });

  const problem = async (url: string, more = '') =>
    (await problemsOf(`- enrich: { into: body.x, http: { url: '${url}'${more} } }`)).join('; ');

  test.each([
    'https://${{ body.host }}/x',
    'https://api.example${{ body.id }}',
    'https://api.${{ body.id }}/x',
    'https://api.example:${{ body.port }}/x',
    '${{ body.url }}',
    'file:///etc/passwd',
    'ftp://api.example/',
    'https://api.example\\${{ body.id }}',
    'api.example/x',
  ])('%s is refused', async (url) => expect(await problem(url)).toMatch(/no message may choose who is asked/));

  test('addresses inside are refused, however they are written, unless they are allowed', async () => {
    const inside = ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '10.0.0.1', '169.254.169.254', '0.0.0.0'];
    for (const host of inside) expect(await problem(`http://${host}/x`), host).toMatch(/an address of/);
    expect(await problem('http://10.0.0.1/x', ', allow: private')).toBe('');
    expect(await problem('http://169.254.169.254/x', ', allow: private')).toMatch(/allow: \[linkLocal\]/);
    expect(await problem('http://0.0.0.0/x', ', allow: [private, loopback, linkLocal]')).toMatch(/of no public host/);
  });

  test('a name that leads to an address inside is refused when it is connected', async () => {
    const steps = await anyStepsOf("- enrich: { into: body.x, http: { url: 'http://localhost:9/${{ body.id }}' } }");
    const { failed } = await steps(make(1));
    expect(failed[0]?.[1]).toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringMatching(/localhost is (127\.0\.0\.1|::1), an address of this machine/),
    });
  });

  test('a login in the url, headers of the exchange itself, and a body without POST are refused', async () => {
    expect(await problem('https://me:secret@api.example/x')).toMatch(/a login does not belong/);
    expect(await problem('https://api.example/x', ', headers: { Host: evil }')).toMatch(/mqferry's own/);
    expect(await problem('https://api.example/x', ', headers: { x-a: "b\\nc" }')).toMatch(/cannot be sent/);
    expect(await problem('https://api.example/x', ', body: body')).toMatch(/POST/);
  });
});

test('no secret and nothing of a message is in an error', async () => {
  const service = await startService((_, response) => response.writeHead(500).end('CANARY'));
  const { failed } = await ask(
    service,
    make('CANARY'),
    'attempts: 1\nheaders: { authorization: CANARY }',
    '/CANARY/${{ body.id }}?token=CANARY',
  );
  expect(`${failed[0]?.[1].message} ${failed[0]?.[1].cause}`).not.toContain('CANARY');
});
