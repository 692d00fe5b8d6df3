/** Steps that remember, for processes that are killed; what is sent through them, and what may come out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { openBuffer } from '../../src/buffer/buffer.ts';
import { dumpBuffer } from '../../src/buffer/inspect.ts';
import { bufferDirectory, queueOwner } from '../../src/buffer/owners.ts';
import { Message } from '../../src/message.ts';
import { silent } from '../buffer/life.ts';
import { start } from '../cli/mqferry.ts';

/** Each, and what else its route says; it says itself of what comes out which messages it is made of, and by what its copies are known. */
const written: readonly (readonly [name: string, steps: string, more?: string])[] = [
  ['delay', "- delay: { for: 300ms }\n- map: { id: 'string(origin.bufferSequence)', of: '[body.n]' }"],
  ['delay until', "- delay: { until: '${{ body.until }}' }\n- map: { id: 'string(origin.bufferSequence)', of: '[body.n]' }"],
  [
    'aggregate',
    "- aggregate: { by: '${{ body.n % 7 }}', count: 5, after: 400ms }\n- map: { id: 'string(origin.bufferSequence)', of: 'body.map(x, x.n)' }",
  ],
  [
    'join',
    "- join: { by: '${{ body.pair }}', side: '${{ body.side }}', sides: [a, b], within: 400ms }\n- map: { id: 'string(origin.bufferSequence)', of: 'body.map(side, body[side].n)' }",
  ],
  [
    'resequence',
    "- resequence: { number: '${{ body.place }}', gap: 400ms, first: 0 }\n- map: { id: 'string(origin.bufferSequence)', of: '[body.n]' }",
  ],
  [
    'retry.after',
    "- filter: 'now >= timestamp(body.at) || body.absent == 1' # an error until then\n- map: { id: 'string(body.n)', of: '[body.n]' }",
    'onError: { retry: { after: [100ms, 200ms, 200ms, 200ms, 200ms] }, then: stop }',
  ],
  [
    'claimCheck',
    "- claimCheck: { in: { store: bodies, above: 300 } }\n- delay: { for: 100ms }\n- claimCheck: { out: { store: bodies, keep: 1s } }\n- map: { id: 'string(body.n)', of: '[body.n]' }",
  ],
  [
    // Each request is its own reply; a call of one that was killed on its way times out.
    'request',
    "- set: { replyTo: asker, correlationId: '${{ string(body.n) }}' }\n- request: { calls: c, timeout: 1s }\n- reply: { calls: c }\n- filter: \"!('request-timeout' in header)\"\n- map: { id: 'string(origin.bufferSequence)', of: '[string(body.n) == correlationId ? body.n : -1]' }",
  ],
  ['dedupe', "- dedupe: { key: '${{ body.n }}' }\n- map: { id: 'string(body.n)', of: '[body.n]' }"],
];

export const stages = written.map(([name, steps, more = '']): [string, string, string] => [name, steps, more]);

/** The body of message `n`. */
export function bodyOf(n: number): string {
  const until = Date.now() + Math.floor(Math.random() * 600);
  const place = n - (n % 3) + 2 - (n % 3); // of each three, the last comes first
  return JSON.stringify({
    n,
    until,
    at: new Date(until).toISOString(),
    place,
    pair: n >> 1,
    side: n % 2 === 0 ? 'a' : 'b',
    filling: 'x'.repeat(n % 900),
  });
}

/** What has come out, and what of it is wrong. */
export class Arrivals {
  readonly of = new Set<number>();
  readonly wrong: string[] = [];
  count = 0;
  /** Messages that may be there: all below. */
  sent = 0;
  readonly #madeOf = new Map<string, string>();

  add(body: Buffer | string): void {
    this.count++;
    const { id, of } = JSON.parse(String(body)) as { id: string; of: number[] };
    const before = this.#madeOf.get(id) ?? of.join();
    this.#madeOf.set(id, of.join());
    if (before !== of.join()) this.wrong.push(`${id} was ${before}, now ${of.join()}`);
    for (const n of of) {
      if (n >= this.sent) this.wrong.push(`${n} was never published`);
      this.of.add(n);
    }
  }
}

/** A queue on disk with so many messages, before any process has it. */
export async function fillQueue(data: string, queue: string, count: number): Promise<void> {
  const buffer = await openBuffer(
    bufferDirectory(data, queueOwner(queue)),
    { maxBytes: 1 << 28, maxMessages: undefined, sync: 'always', everyMs: 0 },
    { log: silent },
  );
  const near = await buffer.near.open(new AbortController().signal);
  await near.write(Array.from({ length: count }, (_, n) => new Message({ body: Buffer.from(bodyOf(n)) })));
  await near.close();
  await buffer.close();
}

/** What has come out, into a queue on disk that no process has any more. */
export async function arrivalsIn(data: string, queue: string, sent: number): Promise<Arrivals> {
  const arrivals = new Arrivals();
  arrivals.sent = sent;
  for await (const { message } of dumpBuffer(bufferDirectory(data, queueOwner(queue)))) arrivals.add(message.body as Buffer);
  return arrivals;
}

/** So many lives that end by SIGKILL, and a last one that ends when nothing is left. */
export async function liveThrough(kills: number, run: readonly string[]): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const life = start(run);
    await sleep(250 + Math.random() * 700); // a moment of its own each time: nothing is waited for
    life.child.kill('SIGKILL');
    await life.ended;
  }
  const { code, err } = await start([...run, '--until-idle', '1s']).ended;
  expect(code, err).toBe(0);
}
