import type { Refusal, Sink, SinkEnd } from '../../../src/connector.ts';
import type { Message } from '../../../src/message.ts';

type Outcome = Promise<Refusal | undefined>;

/**
 * An idempotent receiver as a sink around a sink: it sees the outcome, so it needs nothing from the engine.
 * `shared`: a copy of a message in flight gets the outcome of the first. `dropped`: it counts as confirmed at once.
 */
export function dedupe(inner: SinkEnd, committed: Set<string>, copies: 'shared' | 'dropped'): SinkEnd {
  return {
    can: inner.can,
    open: async (signal) => {
      const link = await inner.open(signal);
      return new DedupeSink(link, committed, copies);
    },
  };
}

class DedupeSink implements Sink {
  readonly #link: Sink;
  readonly #committed: Set<string>;
  readonly #copies: 'shared' | 'dropped';
  /** Dies with the link: an unknown outcome is no outcome. */
  readonly #reserved = new Map<string, Outcome>();

  constructor(link: Sink, committed: Set<string>, copies: 'shared' | 'dropped') {
    this.#link = link;
    this.#committed = committed;
    this.#copies = copies;
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async write(messages: readonly Message[]): Promise<readonly Refusal[]> {
    const fresh: Message[] = [];
    const joined: { message: Message; first: Outcome }[] = [];
    const outcome = Promise.withResolvers<readonly Refusal[]>();
    outcome.promise.catch(() => {});
    for (const message of messages) {
      const id = message.id as string;
      const first = this.#reserved.get(id);
      if (this.#committed.has(id)) continue;
      if (first) {
        if (this.#copies === 'shared') joined.push({ message, first });
        continue;
      }
      fresh.push(message);
      const own = outcome.promise.then((refusals) => refusals.find((refusal) => refusal.message === message));
      own.catch(() => {});
      this.#reserved.set(id, own);
    }
    const refusals = [...(await this.#writeFresh(fresh, outcome))];
    for (const { message, first } of joined) {
      const refusal = await first;
      if (refusal) refusals.push({ ...refusal, message });
    }
    return refusals;
  }

  async #writeFresh(fresh: Message[], outcome: PromiseWithResolvers<readonly Refusal[]>): Promise<readonly Refusal[]> {
    try {
      const refusals = fresh.length > 0 ? await this.#link.write(fresh) : [];
      outcome.resolve(refusals);
      const refused = new Set(refusals.map((refusal) => refusal.message));
      for (const message of fresh) {
        if (!refused.has(message)) this.#committed.add(message.id as string);
        this.#reserved.delete(message.id as string);
      }
      return refusals;
    } catch (error) {
      outcome.reject(error);
      throw error;
    }
  }
}
