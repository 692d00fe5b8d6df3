import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { balanced } from '../../src/engine/books.ts';
import { compileRoutes, createEngine } from '../../src/index.ts';
import { explain, oneLine } from '../../src/route/explain.ts';
import { until } from '../brokers/broker.ts';

/** Queues are of the process: each test has its own. */
const config = (buffer: string, queue = 'parts') => `
routes:
  cut:
    source: { generate: { interval: 0, count: 20, body: '[0,1,2]' } }
    steps:
      - set: { type: whole }
      - split: { list: body }
      - filter: body < 2
    ${buffer}
    sink: { local: { queue: ${queue} } }
    onError: { then: stop }
  look:
    source: { local: { queue: ${queue} } }
    sink: { local: { queue: '${queue}-end' } }
`;

test.each(['buffer: disk', 'buffer: memory', ''])('the books of a route that splits balance, with %j', async (buffer) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mqferry-split-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const ferry = await createEngine({ routes: { texts: [{ name: 'r.yaml', text: config(buffer, `split-${buffer.length}`) }] }, dataDir });
  await ferry.start();
  const view = (name: string) => ferry.engine.routes.find((route) => route.name === name)!;
  await until('every part has come', () => view('look').books?.read === 40);
  await until('all is delivered', () => view('cut').books?.delivered === 20);
  for (const one of ['cut', 'look']) expect(balanced(view(one).books!)).toBe(true);
  expect(view('cut').books).toMatchObject({ read: 20, delivered: 20, filtered: 0, deadLettered: 0, buffered: 0, inFlight: 0 });
  await ferry.stop();
});

test('a split and what follows it stand behind the buffer, and explain says so', async () => {
  const { routes } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text: config('buffer: disk') }] } });
  expect(oneLine(routes[0]!)).toMatch(/^generate → set → disk buffer → split, filter → local/);
  const way = explain(routes[0]!);
  const places = ['Sets type', 'Stored in the disk buffer', 'Makes a message of each element', 'Keeps messages', 'Written to'].map((text) =>
    way.indexOf(text),
  );
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
});
