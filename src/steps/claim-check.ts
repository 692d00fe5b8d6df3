import type { Claim, Claims } from '../buffer/claims/claims.ts';
import { duration, group, size, text } from '../config/fields.ts';
import { durationText, sizeText } from '../config/values.ts';
import type { Sink, SinkEnd } from '../connector.ts';
import { MqferryError } from '../errors.ts';
import type { Message } from '../message.ts';
import { type Around, type AroundStats, defineAround } from './around.ts';
import { Marks } from './marks.ts';
import { asStepFailed, type WaitingStep } from './step.ts';

const claimHeader = 'claim-check';
const claimPattern = /^[A-Za-z0-9_-]{22}$/;

const store = text('The store, in the data directory: the same at both ends.', {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  hint: 'write a letter or digit, then at most 62 letters, digits, `.`, `_` or `-`',
  example: 'bodies',
});

export const claimCheck = defineAround({
  name: 'claimCheck',
  summary: 'Leaves large bodies behind, on disk, and sends a claim in their place; the other end fetches them.',
  notes: `\`in\` stores the body, synced before the message goes on, and puts \`{"claimCheck": "…", "bytes": …}\` in its place, and the claim into the header \`${claimHeader}\`; all else stays as it is. \`out\` puts
the body back, bit by bit, by the header or, where a broker carries none, by the body. Both ends need the same data directory, so the same mqferry; between them lies any broker that large bodies
do not fit through.

A body is collected when the sink behind \`out\`, or the stage that comes next, has confirmed the message, so there must be one, and nothing between that divides the message; it goes \`keep\` after that, as a copy of the claim may still come. One that is not collected stays: its message may still
be on its way. A message that was taken in twice has two bodies, of which one is never collected; so do messages that were filtered, or died, between. \`mqferry buffer ls\` shows a store as \`claims:<store>\`, \`/routes\` and the metrics its size
and the age of the oldest. A store that is full stops the reading.

A claim is 128 bits of chance: no message can ask for a body that it was not given. What is not there, as it was collected long ago or belongs to another data directory, fails.`,
  behindBuffer: true,
  value: group('Which end.', {
    in: group(
      'Leaves bodies behind.',
      {
        store,
        above: size('Smaller bodies go on as they are.', { default: 64 * 1024 }),
        maxBytes: size('Bytes of the files of the store, at most. When it is full, nothing more is read.', {
          default: 8 * 1024 * 1024 * 1024,
        }),
      },
      { optional: true },
    ),
    out: group(
      'Fetches them.',
      {
        store,
        keep: duration('How long a body stays after its message has arrived.', { default: 3600 * 1000 }),
      },
      { optional: true },
    ),
  }),
  example: {
    steps: '- claimCheck: { in: { store: bodies, above: 1KiB } }',
    before: 'body: small enough',
    after: 'body: small enough',
  },
  explain: ({ in: into, out }) =>
    into
      ? `leaves a body of more than ${sizeText(into.above)} on disk, in the store ${into.store}, and sends a claim`
      : `fetches the body from the store ${out?.store} when it is a claim; it goes ${durationText(out?.keep ?? 0)} after the message has arrived`,
  claims: ({ in: into, out }) => (into ? { store: into.store, maxBytes: into.maxBytes } : out && { store: out.store }),
  needsOneWay: ({ out }) => out !== undefined,
  around({ in: into, out }) {
    if ((into === undefined) === (out === undefined)) throw new MqferryError('CONFIG_INVALID', 'write either `in` or `out`');
    if (into) return { open: async (memory) => new CheckIn(await memory.claims(into.store), into.above) };
    const { store: name, keep } = out as NonNullable<typeof out>;
    return { open: async (memory) => new CheckOut(await memory.claims(name), keep) };
  },
});

class CheckIn implements Around {
  readonly step: WaitingStep;
  readonly #claims: Claims;

  constructor(claims: Claims, above: number) {
    this.#claims = claims;
    this.step = {
      async *pass(messages, aside, signal) {
        const ready: Message[] = [];
        const large = messages.filter(({ body }) => body !== null && body.length > above);
        const claimOf = new Map<Message, Claim | MqferryError>();
        await Promise.all(
          large.map(async (message) => {
            // One by one: one that never fits must not take the others with it.
            const [claim] = await claims.put([message.body as Buffer], signal).catch((error: unknown) => [asRefusal(error)]);
            claimOf.set(message, claim as Claim | MqferryError);
          }),
        );
        if (signal.aborted) return;
        for (const message of messages) {
          const claim = claimOf.get(message);
          if (claim === undefined) ready.push(message);
          else if (typeof claim === 'string') ready.push(checkedIn(message, claim));
          else aside.fail(message.received, asStepFailed('claimCheck', claim));
        }
        yield ready;
      },
    };
  }

  around(rest: SinkEnd): SinkEnd {
    return rest;
  }

  stats(): AroundStats {
    return statsOf(this.#claims);
  }

  /** The store is that of the process. */
  async close(): Promise<void> {}
}

/** A message that does not fit has failed; anything else is a store that does not work, and stops the route. */
function asRefusal(error: unknown): MqferryError {
  if (error instanceof MqferryError && error.code === 'TOO_LARGE') return error;
  throw error;
}

class CheckOut implements Around {
  readonly step: WaitingStep;
  readonly #claims: Claims;
  readonly #keepMs: number;
  readonly #marks = new Marks<Claim>();

  constructor(claims: Claims, keepMs: number) {
    this.#claims = claims;
    this.#keepMs = keepMs;
    const marks = this.#marks;
    this.step = {
      async *pass(messages, aside, signal) {
        const ready: Message[] = [];
        for (const message of messages) {
          const claim = claimIn(message);
          const body = claim === undefined ? undefined : await claims.get(claim);
          if (signal.aborted) return;
          if (claim === undefined) ready.push(message);
          else if (body === undefined) aside.fail(message.received, missing(claim));
          else {
            marks.note(message, claim);
            ready.push(message.change({ body, headers: message.headers.filter(([name]) => name !== claimHeader) }));
          }
        }
        yield ready;
      },
    };
  }

  around(rest: SinkEnd): SinkEnd {
    return {
      can: rest.can,
      open: async (signal): Promise<Sink> => {
        const link = await rest.open(signal);
        return {
          write: async (messages) => {
            const refusals = await link.write(messages);
            const refused = new Set(refusals.map(({ message }) => message));
            const arrived = messages.filter((message) => !refused.has(message));
            await this.#claims.collect(
              arrived.flatMap((message) => this.#marks.find(message)?.value ?? []),
              this.#keepMs,
            );
            return refusals;
          },
          close: () => link.close(),
        };
      },
    };
  }

  stats(): AroundStats {
    return statsOf(this.#claims);
  }

  async close(): Promise<void> {}
}

function checkedIn(message: Message, claim: Claim): Message {
  const body = Buffer.from(JSON.stringify({ claimCheck: claim, bytes: (message.body as Buffer).length }));
  return message.change({ body, headers: [...message.headers.filter(([name]) => name !== claimHeader), [claimHeader, claim]] });
}

/** By the header; else by a body that is nothing else. */
function claimIn(message: Message): Claim | undefined {
  const found = message.header(claimHeader);
  const text = typeof found === 'string' ? found : Buffer.isBuffer(found) ? found.toString() : undefined;
  if (text !== undefined) return claimPattern.test(text) ? text : undefined;
  const { body } = message;
  if (body === null || body.length > 80) return undefined;
  return /^\{"claimCheck":"([A-Za-z0-9_-]{22})","bytes":\d{1,16}\}$/.exec(body.toString())?.[1];
}

function missing(claim: Claim): MqferryError {
  const short = `${claim.slice(0, 6)}…`;
  return new MqferryError(
    'NOT_FOUND',
    `claimCheck: there is no body for the claim ${short}: it was collected long ago, or is of another data directory`,
  );
}

function statsOf(claims: Claims): AroundStats {
  const { bodies, bytes, oldestMs } = claims.stats();
  return { entries: bodies, bytes, oldestMs };
}
