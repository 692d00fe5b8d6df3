/** A disk that fails under the buffer of a real process: eio.c makes one call of libc fail. The brokers, in this process, are the ledger. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startAedes } from '../brokers/aedes.ts';
import { until } from '../brokers/broker.ts';
import { folder, mqferry, start } from '../cli/mqferry.ts';
import { startProxy } from './proxy.ts';

const compiler = process.platform === 'linux' ? ['cc', 'gcc'].find((name) => spawnSync(name, ['--version']).status === 0) : undefined;
// On CI it is there (scripts/brokers-install.ts); should it not be, compiling fails, and so does the suite.
const isSkipped = compiler === undefined && process.env['CI'] !== 'true';

interface Fault {
  readonly call: 'fdatasync' | 'fsync' | 'pwrite';
  /** Below the directory of the buffer. */
  readonly on: string;
  /** What the file has not synced is gone. */
  readonly drops?: true;
  /** Messages go through the buffer; else all of them stay in it. */
  readonly isSinkUp?: true;
}

const faults: [string, Fault][] = [
  ['fdatasync of a segment, and what it was for is gone', { call: 'fdatasync', on: '/*.seg', drops: true }],
  ['fdatasync of a segment, and what it was for can still be read', { call: 'fdatasync', on: '/*.seg' }],
  ['a write to a segment', { call: 'pwrite', on: '/*.seg' }],
  ['fsync of the directory, when a segment is made', { call: 'fsync', on: '' }],
  ['fdatasync of the cursor', { call: 'fdatasync', on: '/cursor', isSinkUp: true }],
  ['a write to the cursor', { call: 'pwrite', on: '/cursor', isSinkUp: true }],
];

describe.skipIf(isSkipped)(`EIO once${isSkipped ? ' (skipped: there is no C compiler to make the faulty disk with)' : ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'mqferry-eio-'));
  const shim = join(dir, 'eio.so');
  beforeAll(() => {
    const source = join(import.meta.dirname, 'eio.c');
    execFileSync(compiler ?? 'cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', shim, source, '-ldl', '-lpthread']);
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test.each(faults)('from %s: the route stops, what is acked is on disk, a restart delivers all', { timeout: 60_000 }, async (_, fault) => {
    const ledger = await openLedger();
    const data = folder();
    const buffer = join(data, 'routes', 'r', 'buffer');
    const arm = join(data, 'arm');
    const run = ['run', ledger.writeRoute(data), '--no-admin', '--data', data];
    ledger.sinkIsUp(fault.isSinkUp ?? false);

    const eio = { EIO_CALL: fault.call, EIO_PATH: `${buffer}${fault.on}`, EIO_ARM: arm, EIO_DROPS: fault.drops ? '1' : '' };
    const failing = start(run, { env: { LD_PRELOAD: shim, ...eio } });
    const ended = failing.ended.then((end) => {
      ledger.stopPublishing();
      return end;
    });
    const published = ledger.publish();
    await until('messages are acked', () => ledger.acked.size >= 300);
    writeFileSync(arm, '');
    await until('the route has stopped', () => failing.child.exitCode !== null, 20_000);
    const { code, err } = await ended;
    expect(existsSync(arm), 'the call was made').toBe(false);
    expect(code, err).toBe(1);
    expect(err).toContain('BUFFER_FAILED');
    await published;

    const dumped = await mqferry(['buffer', 'dump', 'r', '--data', data]);
    expect(dumped.code, dumped.err).toBe(0);
    const stored = dumped.out.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line).body as string)));
    const safe = new Set([...stored, ...ledger.arrived]);
    expect([...ledger.acked].filter((body) => !safe.has(body))).toEqual([]);

    ledger.sinkIsUp(true);
    const again = start(run);
    await until('all have arrived', () => [...ledger.published].every((body) => ledger.arrived.has(body)));
    again.child.kill('SIGTERM');
    expect((await again.ended).code).toBe(0);
  });
});

/** Two brokers in this process, and what they know: nothing of it comes from mqferry. */
async function openLedger() {
  const [source, sink] = [await startAedes(), await startAedes()];
  const toSink = await startProxy(sink.port);
  const publisher = await connectAsync(`mqtt://127.0.0.1:${source.port}`);
  onTestFinished(async () => {
    await publisher.endAsync(true);
    await toSink.close();
    await Promise.all([source.close(), sink.close()]);
  });
  const [published, acked, arrived] = [new Set<string>(), new Set<string>(), new Set<string>()];
  source.aedes.on('ack', (packet) => {
    if (packet && 'payload' in packet) acked.add(String(packet.payload));
  });
  sink.aedes.on('publish', (packet) => {
    if (packet.topic === 'out') arrived.add(String(packet.payload));
  });
  const subscribed = new Promise((resolve) => source.aedes.once('subscribe', resolve));
  let isPublishing = true;
  async function publishOnAndOn(): Promise<void> {
    while (isPublishing && published.size < 10_000) {
      const body = `${published.size} `.padEnd(300, 'x');
      published.add(body);
      await publisher.publishAsync('in', body, { qos: 1 });
    }
  }

  return {
    published,
    acked,
    arrived,
    sinkIsUp: (isUp: boolean) => toSink.refuse(!isUp),
    /** As soon as somebody subscribes, until told to stop. */
    async publish() {
      await subscribed;
      await Promise.all(Array.from({ length: 10 }, publishOnAndOn));
    },
    stopPublishing: () => (isPublishing = false),
    /** Small segments, so that a new one is made every few hundred messages. */
    writeRoute(dir: string): string {
      const file = join(dir, 'r.yaml');
      writeFileSync(
        file,
        `
routes:
  r:
    source: { mqtt: { connection: { url: 'mqtt://127.0.0.1:${source.port}', version: 3.1.1 }, topics: in } }
    buffer: { disk: { maxBytes: 8MiB } }
    sink: { mqtt: { connection: { url: 'mqtt://127.0.0.1:${toSink.port}', version: 3.1.1 }, topic: out, onUnmappable: drop } }
    onError: { retry: { backoff: 100ms..200ms } }
`,
      );
      return file;
    },
  };
}
