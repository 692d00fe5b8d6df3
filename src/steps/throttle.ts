import { group, type Rate, rate, template, whole } from '../config/fields.ts';
import { rateText } from '../config/values.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { RecentlyUsed } from './recently-used.ts';
import { asStepFailed, defineStep } from './step.ts';

export const throttle = defineStep({
  name: 'throttle',
  summary: 'Lets so many messages pass in a time. The others wait: nothing is dropped, and while they wait the source is not read.',
  notes: `A token bucket: it holds at most \`burst\` tokens, gets new ones at the \`rate\`, and each message takes one. It goes by a clock that nobody can set.
A timer wakes to the millisecond, so with a small \`burst\` a rate of more than some hundred a second is not reached. The bucket is of this step
in this process: a second mqferry has a bucket of its own, and after a start each bucket is full.

Order is kept. So a message that waits for its turn holds up all behind it, also those of other keys: \`per\` keeps one key from having all of
the rate, it does not let others overtake. What waits has been read and not settled: at most a quarter of the route's \`window\`, and all of it
comes again when mqferry is stopped before its turn, also what has passed of it. With a slow rate, set \`window\` to what may pass in the time
that stopping takes (25 s).

In a route with a buffer, \`throttle\` and the steps behind it happen behind the buffer: the source is read at its own pace, and the buffer
holds what waits. A step that waits for answers, such as \`enrich\`, stands better before it than behind it.`,
  behindBuffer: true,
  value: group('How many, and of what.', {
    rate: rate('How many pass in a second, minute, hour or day.', { example: '100/s' }),
    burst: whole('How many may pass at once after a pause. Absent: as many as the rate has in 100 ms, at least one.', {
      optional: true,
      min: 1,
      max: 1_000_000,
    }),
    per: template('Each text has the rate for itself. Absent: all messages share it.', {
      optional: true,
      example: '${{ body.customerId }}',
    }),
    maxKeys: whole(
      'With `per`, how many texts are kept in mind. Beyond it the one that was not seen for longest is forgotten: when it comes again it has a full burst.',
      { default: 10_000, min: 1, max: 1_000_000, advanced: true },
    ),
  }),
  example: { steps: '- throttle: { rate: 100/s }', before: 'body: hello', after: 'body: hello' },
  touches: 'nothing',
  explain: ({ rate, burst, per }) =>
    `lets ${rateText(rate)} pass${per ? ' of each key' : ''}, ${burst ?? usualBurst(rate)} at once after a pause; the others wait, and so do those behind them`,
  compile({ rate, burst = usualBurst(rate), per, maxKeys }, { clock }) {
    if (per?.constant !== undefined)
      throw new MqferryError('CONFIG_INVALID', '`per` is the same text for all messages: write `${{ … }}` in it, or leave it out');
    const buckets = new Buckets(rate, burst, maxKeys);
    return {
      async *pass(messages, aside, signal) {
        let ready: Message[] = [];
        for (const message of messages) {
          let waitMs = 0;
          try {
            waitMs = buckets.take(per?.(message) ?? '', clock.now());
          } catch (error) {
            aside.fail(message.received, asStepFailed('throttle', error));
            continue;
          }
          if (waitMs > 0) {
            if (ready.length > 0) yield ready;
            ready = [];
            await clock.sleep(waitMs, signal);
            if (signal.aborted) return;
          }
          ready.push(message);
        }
        if (ready.length > 0) yield ready;
      },
    };
  },
});

const usualBurstMs = 100;

function usualBurst({ count, perMs }: Rate): number {
  return Math.max(1, Math.floor((count * usualBurstMs) / perMs));
}

interface Bucket {
  /** Below zero: taken before they were there. So the time that a timer wakes too late is not lost. */
  tokens: number;
  /** Monotonic ms at which they were counted. */
  at: number;
}

class Buckets {
  readonly #tokensPerMs: number;
  readonly #burst: number;
  readonly #buckets: RecentlyUsed<Bucket>;

  constructor({ count, perMs }: Rate, burst: number, keysMax: number) {
    this.#tokensPerMs = count / perMs;
    this.#burst = burst;
    this.#buckets = new RecentlyUsed(keysMax);
  }

  /** Takes a token, and returns for how long it must be waited for. */
  take(key: string, nowMs: number): number {
    let bucket = this.#buckets.get(key);
    if (!bucket) this.#buckets.set(key, (bucket = { tokens: this.#burst, at: nowMs }));
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.at) * this.#tokensPerMs) - 1;
    bucket.at = nowMs;
    return bucket.tokens > -1e-9 ? 0 : -bucket.tokens / this.#tokensPerMs;
  }
}
