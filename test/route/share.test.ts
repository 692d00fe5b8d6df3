import { expect, test } from 'vitest';
import type { EndModel, SinkModel, StepModel } from '../../src/config/model.ts';
import type { Message } from '../../src/message.ts';
import { shareBehind, sharing } from '../../src/route/share.ts';
import type { AnyStep, Aside, WaitingStep } from '../../src/steps/step.ts';
import { messages } from '../engine/fakes.ts';
import { condition } from '../steps/run.ts';

const end = (name: string): SinkModel => ({ kind: 'one', end: { name } as unknown as EndModel });
const at = { file: 'f', line: 1, col: 1 };
const fork = (steps: readonly StepModel[]): SinkModel => ({
  kind: 'switch',
  at,
  cases: [
    { when: condition('id < "m2"'), steps, sink: { kind: 'all', sinks: [end('a'), end('b')] }, at },
    { steps: [], sink: end('c'), at },
  ],
});
const aside: Aside = {
  fail: (_, error) => expect.fail(error.message),
  drop: () => expect.fail('dropped'),
  tap: () => expect.fail('tapped'),
};
const signal = new AbortController().signal;
const wait: StepModel[] = [{ name: 'wait', value: undefined, at }];

/** Hands on one message a time, each when the test lets it. */
class Turnstile implements WaitingStep {
  readonly #let: (() => void)[] = [];
  turn(): void {
    this.#let.shift()?.();
  }
  async *pass(batch: readonly Message[]) {
    for (const message of batch) {
      await new Promise<void>((resolve) => this.#let.push(resolve));
      yield [message];
    }
  }
}

test('a switch without steps that wait is synchronous', () => {
  const { share } = sharing(fork([]), () => (batch) => batch);
  if (typeof share !== 'function') expect.fail('it waits');
  expect(share(messages(4), aside).map((part) => part.map(({ id }) => id))).toEqual([
    ['m0', 'm1'],
    ['m0', 'm1'],
    ['m2', 'm3'],
  ]);
});

test('a step that waits in one case of a switch holds up no other case, and its sinks get each piece as it comes', async () => {
  const turnstile = new Turnstile();
  const steps = (models: readonly StepModel[]): AnyStep => (models.length > 0 ? turnstile : (batch) => batch);
  const { share } = sharing(fork(wait), steps);
  if (typeof share === 'function') expect.fail('it does not wait');
  const handed: string[] = [];
  const passed = share.pass(messages(4), aside, (part, sink) => handed.push(`${sink}: ${part.map(({ id }) => id)}`), signal);
  await new Promise(setImmediate);
  expect(handed).toEqual(['2: m2,m3']);
  turnstile.turn();
  await new Promise(setImmediate);
  expect(handed.slice(1)).toEqual(['0: m0', '1: m0']);
  turnstile.turn();
  await passed;
  expect(handed.slice(3)).toEqual(['0: m1', '1: m1']);
});

test('when one case breaks off, the others are heard out before it is told', async () => {
  const turnstile = new Turnstile();
  const broken: WaitingStep = {
    // biome-ignore lint/correctness/useYield: it breaks off before
    async *pass() {
      throw new Error('broken');
    },
  };
  const two: SinkModel = {
    kind: 'switch',
    at,
    cases: [
      { when: condition('id < "m1"'), steps: [{ name: 'broken', value: undefined, at }], sink: end('a'), at },
      { steps: wait, sink: end('b'), at },
    ],
  };
  const { share } = sharing(two, (models) => (models[0]?.name === 'broken' ? broken : turnstile));
  if (typeof share === 'function') expect.fail('it does not wait');
  const handed: unknown[] = [];
  let isTold = false;
  const passed = share.pass(messages(2), aside, (part) => handed.push(...part.map(({ id }) => id)), signal);
  passed.catch(() => {
    isTold = true;
  });
  await new Promise(setImmediate);
  expect(isTold).toBe(false);
  turnstile.turn();
  await expect(passed).rejects.toThrow('broken');
  expect(handed).toEqual(['m1']);
});

test('steps that wait before the sinks hand on piece by piece, through a switch that does not wait', async () => {
  const turnstile = new Turnstile();
  const share = shareBehind(
    turnstile,
    sharing(fork([]), () => (batch) => batch),
  );
  if (typeof share === 'function') expect.fail('it does not wait');
  const handed: string[] = [];
  const hand = (part: readonly Message[], sink: number) => void (part.length > 0 && handed.push(`${sink}: ${part.map(({ id }) => id)}`));
  const passed = share.pass(messages(3), aside, hand, signal);
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    turnstile.turn();
  }
  await passed;
  expect(handed).toEqual(['0: m0', '1: m0', '0: m1', '1: m1', '2: m2']);
});
