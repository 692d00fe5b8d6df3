import { describe, test } from 'vitest';
import { http } from '../../connectors/http/index.ts';
import { jsonOf, messageOf } from '../../connectors/http/message.ts';
import type { Message, SinkEnd, SourceEnd } from '../../src/connector.ts';
import { sinkContract, sourceContract, testContext, testSettings } from '../../src/testkit/index.ts';
import { freePort } from '../connectors/http/ports.ts';

const path = '/jobs';
const type = 'application/vnd.mqferry+json';

function endOf<E>(side: 'source' | 'sink', port: number, window = { messages: 1000, bytes: 16 * 1024 * 1024 }): E {
  const kind = http[side]!;
  const connection = testSettings(http.connection!, { port });
  const settings = { ...testSettings(kind.fields, { path, ...(side === 'source' && { maxBytes: '16MiB' }) }), connection };
  return kind.create(settings as never, testContext({ window })) as E;
}

/** A sender that sends what was not taken again, as it must. One request after the other, so that they arrive in order. */
class Publisher {
  readonly #url: string;
  readonly #stop = new AbortController();
  #tail: Promise<void> = Promise.resolve();

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}${path}`;
  }

  /** Resolves when the server has the request; it is answered only when the messages are settled. */
  publish(messages: readonly Message[]): void {
    const rest = messages.map(jsonOf);
    this.#tail = this.#tail.then(() => void this.#send(rest));
  }

  async #send(rest: object[]): Promise<void> {
    while (rest.length > 0 && !this.#stop.signal.aborted) {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify({ messages: rest }),
        signal: this.#stop.signal,
      }).catch(() => undefined);
      if (answer?.status === 200) return;
      const { missing } = ((await answer?.json().catch(() => undefined)) ?? {}) as { missing?: number[] };
      if (missing) rest = missing.map((i) => rest[i] as object);
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}

/** Pulls and acks all the time: until then nothing is confirmed. */
class Reader {
  readonly got: Message[] = [];
  readonly #url: string;
  readonly #stop = new AbortController();

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}${path}`;
  }

  async run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#pull().catch(() => undefined); // nobody listens, now and then
      await new Promise(setImmediate);
    }
  }

  async #pull(): Promise<void> {
    const { signal } = this.#stop;
    const answer = await fetch(`${this.#url}?max=1000&wait=5s`, { signal });
    const { messages } = (await answer.json()) as { messages: Record<string, unknown>[] };
    for (const { receipt: _, attempt: __, ...message } of messages) this.got.push(messageOf(message));
    const receipts = messages.map(({ receipt }) => receipt);
    await fetch(`${this.#url}/ack`, { method: 'POST', body: JSON.stringify({ receipts }), signal });
  }

  stop(): void {
    this.#stop.abort();
  }
}

sourceContract(
  { describe, test },
  {
    name: 'http',
    can: endOf<SourceEnd>('source', 1).can,
    async open(window) {
      const port = await freePort();
      const publisher = new Publisher(port);
      return {
        end: endOf<SourceEnd>('source', port, window),
        publish: async (messages) => publisher.publish(messages),
        dispose: async () => publisher.stop(),
      };
    },
  },
);

sinkContract(
  { describe, test },
  {
    name: 'http',
    can: endOf<SinkEnd>('sink', 1).can,
    async open() {
      const port = await freePort();
      const reader = new Reader(port);
      void reader.run();
      const drain = async (count: number) => {
        while (reader.got.length < count) await new Promise(setImmediate);
        return reader.got.splice(0, count);
      };
      return { end: endOf<SinkEnd>('sink', port), drain, dispose: async () => reader.stop() };
    },
  },
);
