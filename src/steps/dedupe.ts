import { type Key, type Keys, keyOf } from '../buffer/keys/keys.ts';
import { duration, group, oneOf, template, whole } from '../config/fields.ts';
import { durationText } from '../config/values.ts';
import type { Refusal, Sink, SinkEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Around, type AroundStats, defineAround } from './around.ts';
import { Marks } from './marks.ts';
import { asStepFailed, type Step } from './step.ts';

export const dedupe = defineAround({
  name: 'dedupe',
  summary: 'Lets each message pass once: copies of one that has arrived are filtered.',
  notes: `Messages with the same \`key\` are copies of one. What was confirmed behind this step, by the sink, or by the stage or buffer that comes next, is written to disk before it is settled at
its source; copies that come within the \`window\` after that are filtered. A copy of a message that is still on its way waits, and shares its outcome: it is never settled before
the first one is. What fails or becomes a dead letter is not remembered, so it passes when it is sent again.

This lowers no guarantee: when it is not known whether a message has arrived, it is sent again. So a copy can still pass, when the link was lost or mqferry killed between
the sink's confirmation and its place on disk here. Of a list of sinks each has its own memory, as have the parts that a step makes of one message.

A message whose key is empty fails, as all such would be copies of the first; or it passes, with \`noKey: pass\`. Keys are kept as 128 bits of their SHA-256: 20 to 40 bytes of memory and 17 to 72 of disk
each. They are forgotten in sixteenths of the window, and read in at each start, ten million in some seconds.`,
  value: group('What makes a copy, and for how long.', {
    key: template('Messages for which this text is the same are copies.', { example: '${{ id }}' }),
    noKey: oneOf('What becomes of a message whose key is empty. `pass`: it goes on, and is never taken for a copy.', ['fail', 'pass'], {
      default: 'fail',
    }),
    window: duration('So long after a message has arrived its copies are filtered.', { default: 24 * 3600 * 1000 }),
    maxKeys: whole('Beyond so many, the oldest keys are forgotten before the window is over.', {
      default: 10_000_000,
      min: 16,
      max: 100_000_000,
    }),
  }),
  example: {
    steps: "- dedupe: { key: '${{ header.event }}' }",
    before: 'header.event: e1\nbody: a\n---\nheader.event: e2\nbody: b',
    after: 'header.event: e1\nbody: a\n---\nheader.event: e2\nbody: b',
  },
  touches: 'nothing',
  explain: ({ window, maxKeys }) =>
    `filters it when one with the same key has arrived in the last ${durationText(window)}; ${maxKeys} keys are remembered on disk, at most`,
  around({ key, noKey, window, maxKeys }) {
    if (key.constant !== undefined)
      throw new MqferryError('CONFIG_INVALID', '`key` is the same text for all messages, so all would be copies: write `${{ … }}` in it');
    return { open: async (memory) => new Dedupe(await memory.keys({ windowMs: window, maxKeys }), key, noKey) };
  },
});

/** One step in a route that runs: its keys, and who has which. */
export class Dedupe implements Around {
  readonly step: Step;
  readonly #keys: Keys;
  readonly #noKey: 'fail' | 'pass';
  readonly #marks = new Marks<Key>();
  #copies = 0;

  constructor(keys: Keys, textOf: (message: Message) => string, noKey: 'fail' | 'pass') {
    this.#keys = keys;
    this.#noKey = noKey;
    this.step = (messages, aside) => {
      keys.forgetOld();
      const rest: Message[] = [];
      for (const message of messages) {
        try {
          if (!this.#isCopy(message, textOf(message))) rest.push(message);
        } catch (error) {
          aside.fail(message.received, asStepFailed('dedupe', error));
        }
      }
      return rest;
    };
  }

  around(rest: SinkEnd, index: number, count: number): SinkEnd {
    return {
      can: rest.can,
      open: async (signal) => {
        const link = await rest.open(signal);
        return new DedupeSink(link, this.#keys, (message) => this.#keyAt(message, count > 1 ? `${index}` : ''));
      },
    };
  }

  stats(): AroundStats {
    const { keys, bytes } = this.#keys.stats();
    return { entries: keys, bytes, copies: this.#copies };
  }

  close(): Promise<void> {
    return this.#keys.close();
  }

  /** What has arrived whole at the only sink need not go on. */
  #isCopy(message: Message, text: string): boolean {
    if (text === '' && this.#noKey === 'pass') return false;
    if (text === '') throw new MqferryError('STEP_FAILED', 'the key is empty, as it would be of others: they would be taken for copies');
    const key = keyOf(text);
    if (this.#keys.has(key)) {
      this.#copies++;
      return true;
    }
    this.#marks.note(message, key);
    return false;
  }

  /** What a message is known by at one of several sinks, and a part that was made of it behind the step. */
  #keyAt(message: Message, sink: string): Key | undefined {
    const mark = this.#marks.find(message);
    if (!mark || (sink === '' && mark.part === '')) return mark?.value;
    return keyOf(`${mark.value}\0${sink}\0${mark.part}`);
  }
}

/** A message that is on its way, and what becomes of all that was written with it. */
interface Reserved {
  readonly message: Message;
  readonly written: Promise<readonly Refusal[]>;
}

/**
 * A sink that does not write what it has written before. A key is *reserved* while its message is on its way, for this link only, as what a lost
 * link has done is unknown; *known* once the sink has confirmed it, and that is on disk.
 */
export class DedupeSink implements Sink {
  readonly #link: Sink;
  readonly #keys: Keys;
  readonly #keyOf: (message: Message) => Key | undefined;
  readonly #reserved = new Map<Key, Reserved>();

  constructor(link: Sink, keys: Keys, keyOf: (message: Message) => Key | undefined) {
    this.#link = link;
    this.#keys = keys;
    this.#keyOf = keyOf;
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const fresh: Message[] = [];
    const freshKeys: (Key | undefined)[] = [];
    const copies: { readonly message: Message; readonly first: Reserved }[] = [];
    const written = Promise.withResolvers<readonly Refusal[]>();
    written.promise.catch(() => undefined); // told to whoever waits for it
    for (const message of messages) {
      const key = this.#keyOf(message);
      const first = key === undefined ? undefined : this.#reserved.get(key);
      if (first) copies.push({ message, first });
      else if (key === undefined || !this.#keys.has(key)) {
        if (key !== undefined) this.#reserved.set(key, { message, written: written.promise });
        fresh.push(message);
        freshKeys.push(key);
      }
    }
    const refusals = fresh.length > 0 ? [...(await this.#writeFresh(fresh, freshKeys, written))] : [];
    for (const { message, first } of copies) {
      const refusal = (await first.written).find((one) => one.message === first.message);
      if (refusal) refusals.push({ ...refusal, message });
    }
    return refusals;
  }

  /** Known before it is confirmed to anybody. */
  async #writeFresh(
    fresh: readonly Message[],
    keys: readonly (Key | undefined)[],
    written: PromiseWithResolvers<readonly Refusal[]>,
  ): Promise<readonly Refusal[]> {
    try {
      const refusals = await this.#link.write(fresh);
      const refused = new Set(refusals.map(({ message }) => message));
      const arrived = keys.filter((key, i) => key !== undefined && !refused.has(fresh[i] as Message)) as Key[];
      if (arrived.length > 0) await this.#keys.add(arrived);
      written.resolve(refusals);
      return refusals;
    } catch (error) {
      written.reject(error);
      throw error;
    } finally {
      for (const key of keys) if (key !== undefined) this.#reserved.delete(key);
    }
  }
}
