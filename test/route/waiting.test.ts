import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { balanced } from '../../src/engine/books.ts';
import { compileRoutes, createEngine } from '../../src/index.ts';
import { explain, oneLine } from '../../src/route/explain.ts';
import { stepKinds } from '../../src/steps/index.ts';
import { until } from '../brokers/broker.ts';

/** Queues are of the process: each test has its own. */
const config = (buffer: string, queue = 'paced') => `
routes:
  paced:
    source: { generate: { interval: 0, count: 20, body: '\${{ origin.sequence }}' } }
    steps:
      - set: { type: first }
      - throttle: { rate: 200/s, burst: 2 }
      - filter: body != 7
    ${buffer}
    sink:
      switch:
        - when: body < 10
          steps: [ { throttle: { rate: 100/s } } ]
          sink: { local: { queue: ${queue} } }
        - otherwise: { sink: { local: { queue: ${queue} } } }
    onError: { then: stop }
  look:
    source: { local: { queue: ${queue} } }
    sink: { local: { queue: '${queue}-end' } }
`;

test.each(['buffer: disk', 'buffer: memory', ''])('the books of a route with steps that wait balance, with %j', async (buffer) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mqferry-waiting-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const ferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text: config(buffer, `paced-${buffer.length}`) }] }, dataDir });
  onTestFinished(() => void ferry.stop(0));
  await ferry.start();
  const view = (name: string) => ferry.engine.routes.find((route) => route.name === name)!;
  await until('every message has come', () => view('look').books?.read === 19);
  await until('all is delivered', () => view('paced').books?.delivered === 19);
  for (const one of ['paced', 'look']) expect(balanced(view(one).books!)).toBe(true);
  expect(view('paced').books).toMatchObject({ read: 20, delivered: 19, filtered: 1, deadLettered: 0, buffered: 0, inFlight: 0 });
});

test('a step that waits and what follows it stand behind the buffer, and explain says so', async () => {
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text: config('buffer: disk') }] } });
  expect(problems).toEqual([]);
  expect(oneLine(routes[0]!)).toMatch(/^generate → set → disk buffer → throttle, filter → local/);
  const way = explain(routes[0]!);
  const places = ['Sets type', 'Stored in the disk buffer', 'Lets 200/s pass', 'Keeps messages', 'Lets 100/s pass'].map((text) =>
    way.indexOf(text),
  );
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});

test('the plan of a route waits where a step of it does, and nowhere else', async () => {
  const plans = async (text: string) => {
    const { routes } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
    return (await routes[0]!.plan()).pumps.map(({ share }) => typeof share);
  };
  expect(await plans(config(''))).toEqual(['object']);
  expect(await plans(config('').replace(/ +- throttle.*\n/, ''))).toEqual(['object']);
  expect(
    await plans(
      config('')
        .replace(/ +- throttle.*\n/, '')
        .replace(/steps: \[.*\]/, ''),
    ),
  ).toEqual(['function']);
});

test('a step kind that waits, or keeps messages, says that it stands behind the buffer', () => {
  expect(
    Object.values(stepKinds)
      .filter(({ behindBuffer }) => behindBuffer)
      .map(({ name }) => name),
  ).toEqual(['split', 'enrich', 'throttle', 'claimCheck', 'delay', 'aggregate', 'join', 'resequence', 'request', 'reply']);
});
