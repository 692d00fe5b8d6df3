/** A letter that is sent again goes through the route as the message that died. */
import { describe, expect, test } from 'vitest';
import { type Carries, defineConnector, propertyNames } from '../../src/connector.ts';
import { deadLetter } from '../../src/engine/dead-letter.ts';
import type { RoutePlan } from '../../src/engine/plan.ts';
import { RouteRun } from '../../src/engine/route-run.ts';
import { inbound, outbound } from '../../src/envelope.ts';
import { MqferryError } from '../../src/errors.ts';
import { compileExpression } from '../../src/expr/index.ts';
import { compileRoutes } from '../../src/index.ts';
import { type Header, Message, Typed } from '../../src/message.ts';
import { reasonOf, toBeJudged } from '../../src/route/letter.ts';
import { compileReplay } from '../../src/route/replay.ts';
import { until } from '../brokers/broker.ts';
import { FakeSource, hastyClock, silent } from '../engine/fakes.ts';
import { Shelf } from './shelf.ts';

interface Ends {
  readonly hops?: 0 | 1;
  readonly open?: (letter: Message) => Message;
  readonly carries?: Carries;
}

const everything: Carries = { headers: 'typed', repeats: true, key: true, properties: propertyNames, maxBytes: 1e9 };

/** Runs letters through the route; what arrives, and what is dead again. */
async function replayed(yaml: string, letters: readonly Message[], ends: Ends = {}) {
  const { hops = 0, open = (letter) => letter, carries = everything } = ends;
  const shelf = new Shelf();
  const dead = new Shelf();
  Object.assign(shelf.end, { can: { ...shelf.end.can, carries } });
  const sinkOf = (name: string, { end }: Shelf) => defineConnector({ name, summary: '', sink: { fields: {}, create: () => end } });
  const connectors = { shelf: sinkOf('shelf', shelf), dead: sinkOf('dead', dead) };
  const { model, problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text: yaml }] }, connectors });
  expect(problems).toEqual([]);
  const source = new FakeSource().push(...letters);
  const none = () => Promise.reject(new Error('not needed'));
  const nothing = () => {
    throw new Error('not needed');
  };
  const around = {
    log: () => silent,
    clientId: () => 'x',
    openBuffer: none,
    openStage: nothing,
    openKeys: nothing,
    claims: nothing,
    calls: nothing,
    queue: nothing,
    deadLetters: nothing,
    table: nothing,
    signal: AbortSignal.abort(),
    clock: hastyClock,
    allowScripts: false,
  };
  const plan: RoutePlan = await compileReplay(model!.routes[0]!, { source: source.end, open, hops }, around).plan();
  const run = new RouteRun(plan, hastyClock);
  run.start();
  await until('all are acked', async () => source.acked.length === letters.length);
  await run.stop(1000);
  expect(run.isBalanced).toBe(true);
  return { stored: shelf.stored, dead: dead.stored };
}

const dying = (message: Message, at?: string) =>
  deadLetter(message, { route: 'a', at, error: new MqferryError('REFUSED', 'no'), attempts: 5 }, new Date());
const yaml = (steps: string, more = '') => `
routes:
  a: { source: generate, steps: ${steps}, sink: shelf, onError: { deadLetter: dead }${more} }
`;
const order = new Message({ id: 'o1', body: Buffer.from('{"n":1}'), headers: [['x', new Typed('int16', 7)]], origin: { topic: 't' } });

describe('a letter', () => {
  test('goes through all steps, without its reason, and is counted; the origin is still known to steps', async () => {
    const { stored } = await replayed(yaml("[ filter: body.n == 1, set: { header.from: '${{ origin.topic }}' } ]"), [dying(order)]);
    expect(stored).toHaveLength(1);
    expect(stored[0]).toMatchObject({ id: 'o1', body: order.body });
    expect(stored[0]?.headers).toEqual([
      ['x', new Typed('int16', 7)],
      ['mqf-replays', '1'],
      ['from', 't'],
      ['mqf-hops', 1],
    ]);
  });

  test.each(['', ', throttle: { rate: 1000/s }'])('out of a buffer goes only through the steps behind it%s', async (more) => {
    const config = yaml(`[ set: { header.near: yes }${more} ]`, ', buffer: disk');
    const { stored } = await replayed(config, [dying(order, 'buffer'), dying(order)]);
    expect(stored.map((message) => message.header('near'))).toEqual([undefined, 'yes']);
  });

  test('that dies again is a dead letter again, with its new reason and its count; out of the buffer it stays so', async () => {
    const { dead } = await replayed(yaml('[]', ', buffer: disk, maxHops: 1'), [
      dying(order.change({ headers: [['mqf-hops', '1']] }), 'buffer'),
    ]);
    expect(dead).toHaveLength(1);
    expect(reasonOf(dead[0]!)).toMatchObject({ code: 'HOPS_EXCEEDED', at: 'buffer', replays: 1 });
    const again = await replayed(yaml('[]', ', buffer: disk'), dead);
    expect(again.stored[0]?.header('mqf-replays')).toBe('2');
  });

  test('that comes from a broker is opened, and its way there is no hop', async () => {
    const carries: Carries = { headers: 'text', repeats: false, key: false, properties: ['contentType'], maxBytes: 1e9 };
    const full = new Message({
      ...order,
      body: order.body,
      key: Buffer.from([0, 255]),
      headers: [
        ['x', 1n],
        ['x', 'two'],
        ['mqf-hops', 2],
      ],
      timestamp: 5,
    });
    const sent = outbound(carries, 'envelope', { maxHops: 9 })(dying(full)) as Message;
    const { stored } = await replayed(yaml('[]'), [sent.asReceived()], { hops: 1, open: inbound(true) });
    expect(stored[0]).toMatchObject({ key: full.key, timestamp: 5, id: 'o1' });
    expect(stored[0]?.headers).toEqual([
      ['x', 1n],
      ['x', 'two'],
      ['mqf-replays', '1'],
      ['mqf-hops', 3],
    ]);
  });

  test('is not counted to a target without headers', async () => {
    const carries: Carries = { ...everything, headers: 'none' };
    const { stored } = await replayed(yaml('[]'), [dying(new Message({ id: 'o1', body: order.body }))], { carries });
    expect(stored[0]?.headers).toEqual([]);
  });

  test('cannot be counted by a stranger', () => {
    const forged: Header[] = [
      ['mqf-replays', '9'],
      ['mqf-h-mqf-replays', '9'],
    ];
    const read = inbound(false)(new Message({ body: null, headers: forged }));
    expect(reasonOf(read).replays).toBe(0);
    expect(reasonOf(inbound(true)(read)).replays).toBe(0);
  });
});

test('a condition sees the letter with its error, and the message that is sent again does not', () => {
  const letter = dying(order);
  const when = compileExpression('error.code == "REFUSED" && error.attempts == 5 && body.n == 1', 'boolean');
  expect(when(toBeJudged(letter))).toBe(true);
  expect(() => when(letter)).toThrow('only in onError');
});
