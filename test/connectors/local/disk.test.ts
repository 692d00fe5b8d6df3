/** Routes joined by a queue on disk. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { local } from '../../../connectors/local/index.ts';
import { listBuffers } from '../../../src/buffer/instance.ts';
import { queueOwner } from '../../../src/buffer/owners.ts';
import { type AnyConnector, defineConnector, type Message, MqferryError } from '../../../src/connector.ts';
import { createEngine, type Mqferry } from '../../../src/index.ts';
import { testContext } from '../../../src/testkit/index.ts';
import { until } from '../../brokers/broker.ts';
import { folder } from '../../cli/mqferry.ts';

/** A target in memory that takes messages until it is told not to. */
function target() {
  const stored: Message[] = [];
  const state = { isDown: false };
  const carries = { headers: 'typed', repeats: true, key: true, properties: ['id'], maxBytes: 1e9 } as const;
  const connector: AnyConnector = defineConnector({
    name: 'target',
    summary: '',
    sink: {
      fields: {},
      create: () => ({
        can: { keepsOrder: 'lane', writes: 'many', maxWrite: { messages: 10, bytes: 1e9 }, confirms: 'stored', routed: true, carries },
        open: async () => ({
          async write(messages) {
            if (state.isDown) throw new MqferryError('SINK_GONE', 'the target is gone');
            stored.push(...messages);
            return [];
          },
          close: async () => undefined,
        }),
      }),
    },
  });
  return { connector, stored, state, numbers: () => stored.map((message) => Number(message.body)) };
}

const writer = `
  in:
    source: { generate: { interval: 0, count: 50, body: '\${{ origin.sequence }}' } }
    sink: { local: { queue: q, store: disk } }`;
const reader = `
  out:
    source: { local: { queue: q, store: disk } }
    sink: target`;
const all = Array.from({ length: 50 }, (_, i) => i + 1);

async function start(dataDir: string, routes: string, connector: AnyConnector): Promise<Mqferry> {
  const texts = [{ name: 'q.yaml', text: `routes:${routes}\n` }];
  const ferry = await createEngine({ routes: { texts }, connectors: { target: connector }, dataDir });
  onTestFinished(() => void ferry.stop(0));
  await ferry.start();
  return ferry;
}

const depth = async (dataDir: string) => (await listBuffers(dataDir)).find(({ owner }) => owner === queueOwner('q'))?.messages;

describe('two routes joined by a queue on disk', () => {
  test('move everything, in order, as a queue gives it; nothing is left', async () => {
    const dataDir = folder();
    const { connector, stored, numbers } = target();
    const ferry = await start(dataDir, writer + reader, connector);
    await until('all have arrived', async () => stored.length === 50);
    expect(numbers()).toEqual(all);
    expect(stored[4]).toMatchObject({ origin: { queue: 'q', position: 5 }, lane: 'q' });
    expect(await ferry.stop()).toBe(true);
    expect(ferry.engine.view('out')?.books).toMatchObject({ read: 50, delivered: 50 });
    expect(await depth(dataDir)).toBe(0);
  });

  test('need not run at the same time', async () => {
    const dataDir = folder();
    const { connector, numbers } = target();
    const first = await start(dataDir, writer, connector);
    await until('all are in the queue', async () => first.engine.view('in')?.books?.delivered === 50);
    await first.stop();
    expect(await depth(dataDir)).toBe(50);
    const second = await start(dataDir, reader, connector);
    await until('all have arrived', async () => numbers().length === 50);
    await second.stop();
    expect(numbers()).toEqual(all);
    expect(await depth(dataDir)).toBe(0);
  });

  test('go on alone: what the reading one has not delivered when it fails is there when it is started again', async () => {
    const dataDir = folder();
    const { connector, state, numbers } = target();
    state.isDown = true;
    const ferry = await start(dataDir, writer + reader, connector);
    await until('the reader has failed', async () => ferry.engine.view('out')?.state === 'failed');
    await until('the writer has written all', async () => ferry.engine.view('in')?.books?.delivered === 50);
    expect(ferry.engine.view('in')?.state).toBe('running');
    state.isDown = false;
    expect(await ferry.engine.startRoute('out')).toBe(true);
    await until('all have arrived', async () => numbers().length >= 50);
    expect(numbers()).toEqual(all);
  });
});

test('without a data directory, as in `check`, a queue on disk is an error and not one in memory', () => {
  expect(() => local.source!.create({ queue: 'q', store: 'disk' } as never, testContext())).toThrow('no data directory');
});

describe('a process that is killed', () => {
  test('loses nothing of what its sources have forgotten, and keeps the order of first copies', { timeout: 120_000 }, async () => {
    const dataDir = folder();
    const ledger = new Ledger();
    for (let round = 0; round < 6; round++) await run(dataDir, ledger, (lines) => lines === 150 + round * 130);
    const before = ledger.lost();
    await run(dataDir, ledger, () => ledger.isWhole, 'last');
    expect(ledger.lost()).toEqual([]);
    expect(before.length, 'the kills found something in the queue').toBeGreaterThan(50);
    for (const name of ['a', 'b']) {
      expect(ledger.acked(name), `acked of ${name}`).toBeGreaterThan(100);
      const first = [...ledger.delivered(name)]; // a set keeps the order of first copies
      expect(first).toEqual(first.map((_, i) => i));
    }
  });
});

/** What the outside knows: what its sources were told to forget, and what has arrived. */
class Ledger {
  readonly #acked = new Map<string, number>();
  readonly #delivered = new Map<string, Set<number>>();

  enter(line: string): void {
    const [kind, name = '', number = ''] = line.split(' ');
    if (kind === 'a') this.#acked.set(name, Math.max(this.acked(name), Number(number)));
    else this.#delivered.set(name, this.delivered(name).add(Number(number)));
  }

  acked(name: string): number {
    return this.#acked.get(name) ?? -1;
  }

  delivered(name: string): Set<number> {
    return this.#delivered.get(name) ?? new Set();
  }

  /** Asked after each line, so it counts before it looks. */
  get isWhole(): boolean {
    return ['a', 'b'].every((name) => this.delivered(name).size > this.acked(name)) && this.lost().length === 0;
  }

  lost(): string[] {
    return ['a', 'b'].flatMap((name) =>
      Array.from({ length: this.acked(name) + 1 }, (_, i) => i)
        .filter((number) => !this.delivered(name).has(number))
        .map((number) => `${name} ${number}`),
    );
  }
}

/** Runs the process until it is time to kill it. Its sources begin behind what they were told to forget. */
async function run(dataDir: string, ledger: Ledger, isTime: (lines: number) => boolean, ...more: string[]): Promise<void> {
  const from = ['a', 'b'].map((name) => String(ledger.acked(name) + 1));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'kill-child.ts'), dataDir, ...from, ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    ledger.enter(line);
    if (isTime(++lines)) child.kill('SIGKILL');
  }
  clearTimeout(late);
}
