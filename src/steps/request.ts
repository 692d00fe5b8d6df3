import type { Call, Calls } from '../buffer/calls/calls.ts';
import type { Clock } from '../clock.ts';
import { duration, group, oneOf, template } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import type { SinkEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Around, type AroundStats, defineAround } from './around.ts';
import { callsName } from './reply.ts';
import { type Aside, asStepFailed, type WaitingStep } from './step.ts';

export const request = defineAround({
  name: 'request',
  summary: 'Sends a message on as a request: who asked is kept, on disk, until a `reply` step in another route has answered them.',
  notes: `Who asked is the message's \`replyTo\`, with its \`correlationId\` or, where it has none, its \`id\`, as JMS has it. Both are on disk before the request leaves. It leaves with a \`correlationId\` of its own, which nobody can guess, with this \`replyTo\`, and with an \`expiresAt\` no later than the
\`timeout\`, so that brokers do not deliver what nobody waits for any more. Who answers must send the \`correlationId\` back.

A route that reads the replies has the step [\`reply\`](#reply) with the same \`calls\`: there the answer goes back to who asked, over whatever broker they are at, and so does word that none has come in time.

A request that is delivered twice, as after a fault, is another call, with an answer of its own: the service is asked again. So one of them may time out although the other one is answered.`,
  behindBuffer: true,
  value: group('Whose answers, and where they are to come.', {
    calls: callsName,
    replyTo: template('Where the answer is to be sent, as the broker there spells it. Absent: whoever answers knows.', {
      optional: true,
      example: 'answers',
    }),
    timeout: duration('How long an answer is waited for.', { default: 30_000 }),
    noReplyTo: oneOf('What becomes of a message that has no `replyTo`. `pass`: it goes on as it is, and nobody waits.', ['fail', 'pass'], {
      default: 'fail',
    }),
  }),
  example: {
    steps: '- request: { calls: prices, noReplyTo: pass }\n- reply: { calls: prices }',
    before: 'body: nobody waits for this',
    after: 'body: nobody waits for this',
  },
  touches: 'nothing',
  explain: ({ calls, timeout }) =>
    `keeps who asked, on disk, for the step \`reply\` of ${calls}, for at most ${durationText(timeout)}; it goes on with a correlationId of its own`,
  calls: ({ calls }) => ({ name: calls, role: 'asks' }),
  around(value, { clock }) {
    return { open: async (memory) => new Requests(await memory.calls(value.calls), value, clock) };
  },
});

interface Settings {
  readonly replyTo: ((message: Message) => string) | undefined;
  readonly timeout: number;
  readonly noReplyTo: 'fail' | 'pass';
}

class Requests implements Around {
  readonly step: WaitingStep;
  readonly #calls: Calls;
  readonly #settings: Settings;
  readonly #clock: Clock;

  constructor(calls: Calls, settings: Settings, clock: Clock) {
    this.#calls = calls;
    this.#settings = settings;
    this.#clock = clock;
    this.step = { pass: (messages, aside, signal) => this.#pass(messages, aside, signal) };
  }

  /** As many at once as may wait for their answers. */
  async *#pass(messages: readonly Message[], aside: Aside, signal: AbortSignal): AsyncIterable<readonly Message[]> {
    const waiting = [...messages];
    while (waiting.length > 0) {
      const asking = waiting.filter(({ replyTo }) => Boolean(replyTo));
      const names = asking.length === 0 ? [] : await this.#put(asking, signal);
      if (signal.aborted) return;
      const nameOf = new Map(names.map((name, i) => [asking[i] as Message, name]));
      const next = asking[names.length];
      yield this.#sent(waiting.splice(0, next ? waiting.indexOf(next) : waiting.length), nameOf, aside);
    }
  }

  async #put(asking: readonly Message[], signal: AbortSignal): ReturnType<Calls['put']> {
    try {
      return await this.#calls.put(
        asking.map((message) => callOf(message, this.#settings.timeout)),
        signal,
      );
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  }

  #sent(messages: readonly Message[], nameOf: ReadonlyMap<Message, string | MqferryError>, aside: Aside): readonly Message[] {
    const { replyTo, timeout, noReplyTo } = this.#settings;
    const until = this.#clock.date() + timeout;
    return messages.flatMap((message) => {
      const name = nameOf.get(message);
      try {
        if (name instanceof MqferryError) throw name;
        if (name !== undefined) return [sent(message, name, replyTo?.(message) || undefined, until)];
        if (noReplyTo === 'pass') return [message];
        throw new MqferryError('STEP_FAILED', 'the message has no replyTo, so nobody can be answered');
      } catch (error) {
        aside.fail(message.received, asStepFailed('request', error));
        return [];
      }
    });
  }

  around(rest: SinkEnd): SinkEnd {
    return rest;
  }

  stats(): AroundStats {
    const { calls, bytes, oldestMs, timedOut } = this.#calls.stats();
    return { entries: calls, bytes, oldestMs, timedOut };
  }

  /** They are those of the process. */
  async close(): Promise<void> {}
}

function callOf({ replyTo, correlationId, id }: Message, timeoutMs: number): Call {
  return { replyTo: replyTo as string, correlationId: correlationId ?? id, timeoutMs };
}

function sent(message: Message, correlationId: string, replyTo: string | undefined, untilMs: number): Message {
  return message.change({ correlationId, replyTo, expiresAt: Math.min(message.expiresAt ?? untilMs, untilMs) });
}
