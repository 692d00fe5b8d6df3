/** Messages that programs publish: POST, which is answered when they are settled. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  type Batch,
  type EndContext,
  Inbox,
  type Message,
  notConnected,
  type Room,
  type Source,
  type SourceCan,
  type SourceEnd,
} from '../../src/connector.ts';
import { carries } from './carries.ts';
import type { SourceConfig } from './config.ts';
import { answer, bodyOf, jsonIn, Refused } from './http.ts';
import { expect, listen } from './listener.ts';
import { messageOf, plainMessage } from './message.ts';
import { Post } from './post.ts';

/** Of a request whose body is many messages, or one with all that JSON can say of it. */
const batchType = 'application/vnd.mqferry+json';
const messagesMax = 10_000;

export function httpSource(config: SourceConfig, context: EndContext): SourceEnd {
  expect(config.connection, [`POST ${config.path}`]);
  return { can: sourceCan(config), open: () => HttpSource.open(config, context) };
}

function sourceCan({ maxBytes }: SourceConfig): SourceCan {
  return {
    settles: 'each',
    redelivers: 'anyOrder',
    stableIds: [],
    carries: { ...carries, maxBytes },
    notes: ['http: what is answered by 200 is safe; what is not, the sender must send again, as nobody else has it.'],
  };
}

interface Item {
  readonly message: Message;
  readonly post: Post;
  readonly index: number;
}

class HttpSource implements Source {
  readonly #config: SourceConfig;
  readonly #window: Room;
  readonly #inbox = new Inbox<Item>(({ message }) => message.bytes);
  readonly #posts = new Set<Post>();
  /** Of requests whose bodies are being read, and of messages that wait. */
  #bytes = 0;
  #isClosed = false;
  #leave: () => Promise<void> = async () => undefined;

  private constructor(config: SourceConfig, window: Room) {
    this.#config = config;
    this.#window = window;
  }

  static async open(config: SourceConfig, { window }: EndContext): Promise<Source> {
    const source = new HttpSource(config, window);
    source.#leave = await listen(config.connection, {
      [`POST ${config.path}`]: (request, response) => source.#publish(request, response),
    });
    return source;
  }

  async read(room: Room, signal: AbortSignal): Promise<Batch | null> {
    for (;;) {
      const items = await this.#inbox.take(room, signal);
      if (items === null) {
        if (this.#isClosed) throw notConnected('this end is closed');
        return null;
      }
      const live = items.filter(({ post }) => !post.isOver);
      for (const { message } of items) this.#bytes -= message.bytes;
      for (const { post } of live) post.taken = true;
      if (live.length > 0) return this.#batch(live);
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox.end();
    for (const post of this.#posts) post.giveUp('the route is stopping');
    await this.#leave();
  }

  #batch(items: readonly Item[]): Batch {
    const ack = () => {
      if (!this.#isClosed) for (const { post, index } of items) post.settled(index);
    };
    return { messages: items.map(({ message }) => message), ack };
  }

  async #publish(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { maxBytes, timeout } = this.#config;
    const announced = Math.min(Number(request.headers['content-length'] ?? maxBytes) || 0, maxBytes);
    this.#mustHaveRoom(announced);
    this.#bytes += announced;
    const messages = await bodyOf(request, maxBytes)
      .then((body) => messagesIn(body, request))
      .finally(() => (this.#bytes -= announced));
    if (this.#isClosed) throw new Refused(503, 'the route is stopping');
    if (messages.length === 0) return answer(response, 200, { accepted: 0 });
    const post = new Post(messages.length, timeout);
    this.#posts.add(post);
    for (const [index, message] of messages.entries()) {
      this.#bytes += message.bytes;
      this.#inbox.push({ message, post, index });
    }
    const { accepted, missing, why } = await post.ended.finally(() => this.#posts.delete(post));
    if (missing.length === 0) answer(response, 200, { accepted });
    else answer(response, 503, { error: why, accepted, missing });
  }

  /** One request is always taken, as large as it may be. */
  #mustHaveRoom(bytes: number): void {
    if (this.#isClosed) throw new Refused(503, 'the route is stopping');
    if (this.#inbox.length >= this.#window.messages || (this.#bytes > 0 && this.#bytes + bytes > this.#window.bytes))
      throw new Refused(503, 'too much waits already; nothing of this was taken');
  }
}

/** Throws {@link Refused} for what is none. */
function messagesIn(body: Buffer, { headers }: IncomingMessage): Message[] {
  try {
    if (headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== batchType) return [plainMessage(body, headers)];
    const json = jsonIn(body);
    const given = json['messages'] ?? [json];
    if (!Array.isArray(given)) throw new Refused(400, '`messages` must be a list');
    if (given.length > messagesMax) throw new Refused(413, `at most ${messagesMax} messages are taken at once`);
    return given.map(messageOf);
  } catch (error) {
    if (error instanceof TypeError) throw new Refused(400, error.message);
    throw error;
  }
}
