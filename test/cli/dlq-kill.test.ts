/** A process that is killed while it dead-letters, and while it replays. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { dumpBuffer } from '../../src/buffer/inspect.ts';
import { bufferDirectory, deadOwner } from '../../src/buffer/owners.ts';
import { startAedes } from '../brokers/aedes.ts';
import { folder, mqferry, root } from './mqferry.ts';

/** Runs a process and kills it when `enough` says so of a line of its output. */
async function killed(args: readonly string[], cwd: string, enough: (line: string) => boolean): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  const closed = new Promise((resolve) => child.once('close', resolve));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (enough(line)) child.kill('SIGKILL');
  });
  await closed;
}

async function lettersIn(dataDir: string): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { message } of dumpBuffer(bufferDirectory(dataDir, deadOwner('a')))) numbers.push((message.json() as { n: number }).n);
  return numbers;
}

const main = join(root, 'src/cli/main.ts');

test('nothing is lost by SIGKILL while letters are made, nor while they are replayed', { timeout: 180_000 }, async () => {
  const cwd = folder();
  const dataDir = join(cwd, 'data');
  let acked = -1;
  const delivered = new Set<number>();
  for (let round = 0; round < 5; round++) {
    let lines = 0;
    await killed([join(import.meta.dirname, 'dlq-kill-child.ts'), dataDir, String(acked + 1)], cwd, (line) => {
      const [kind, number] = line.split(' ');
      if (kind === 'a') acked = Math.max(acked, Number(number));
      else delivered.add(Number(number));
      return ++lines > 80 + round * 60;
    });
  }
  expect(acked).toBeGreaterThan(100);
  const made = new Set(await lettersIn(dataDir));
  expect(made.size).toBeGreaterThan(100);
  const lost = Array.from({ length: acked + 1 }, (_, n) => n).filter((n) => !made.has(n) && !delivered.has(n));
  expect(lost, 'acked, and neither delivered nor a dead letter').toEqual([]);

  // A broker that thinks about each message for a while, and forgets those that it has not confirmed when their sender dies.
  const broker = await startAedes();
  onTestFinished(() => broker.close());
  const arrived = new Set<number>();
  let onArrival = () => {};
  let isForgetting = false;
  broker.aedes.authorizePublish = (_client, packet, done) => {
    setTimeout(() => {
      if (!isForgetting) arrived.add((JSON.parse(String(packet.payload)) as { n: number }).n);
      done(null);
      onArrival();
    }, 10);
  };
  const sink = `{ mqtt: { connection: { url: "mqtt://127.0.0.1:${broker.port}", version: 3.1.1 }, topic: t } }`;
  writeFileSync(join(cwd, 'a.yaml'), `routes: { a: { window: 20, source: generate, sink: ${sink}, onError: { deadLetter: disk } } }`);
  const args = ['dlq', 'replay', 'a', 'a.yaml', '--data', dataDir, '--when', 'body.n % 3 != 0'];
  for (let round = 0; round < 6; round++) {
    const enough = arrived.size + 1 + round * 7;
    isForgetting = false;
    const child = spawn(process.execPath, [main, ...args], { cwd, stdio: 'ignore' });
    const closed = new Promise((resolve) => child.once('close', resolve));
    onArrival = () => {
      if (arrived.size < enough) return;
      isForgetting = true;
      child.kill('SIGKILL');
    };
    await closed;
    expect(child.signalCode).toBe('SIGKILL');
    const left = new Set(await lettersIn(dataDir));
    expect(
      [...made].filter((n) => !left.has(n) && !arrived.has(n)),
      `after kill ${round}`,
    ).toEqual([]);
  }
  isForgetting = false;
  onArrival = () => {};
  const last = await mqferry(args, { cwd });
  expect(last.code, last.err).toBe(0);
  const isChosen = (n: number) => n % 3 !== 0;
  expect(new Set(await lettersIn(dataDir))).toEqual(new Set([...made].filter((n) => !isChosen(n))));
  expect([...made].filter((n) => isChosen(n) && !arrived.has(n))).toEqual([]);
});
