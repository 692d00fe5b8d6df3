/** The contract suite on a real broker: ends go through a proxy, publishers and readers of the tests do not. */
import { afterAll, describe, test } from 'vitest';
import type { AnyConnector, EndContext, Fields, Message, Properties, Room, SinkEnd, SourceEnd } from '../../src/connector.ts';
import { type SinkSubject, type SourceSubject, sinkContract, sourceContract, testContext, testSettings } from '../../src/testkit/index.ts';
import { startProxy, type TcpProxy } from '../faults/proxy.ts';

type Settings = Readonly<Record<string, unknown>>;

/** How the suite gets at one broker. */
export interface BrokerPart {
  readonly name: string;
  readonly connector: AnyConnector;
  readonly port: number;
  /** In front of `port`; one of the suite's own unless given. */
  readonly proxy?: TcpProxy;
  /** The client connects anew by itself: only a link that stays away is lost. */
  readonly mendsItself?: true;
  connection(port: number): Settings;
  /** The same with a wrong password; absent when the listener asks for none. */
  wrongPassword?(port: number): Settings;
  source(destination: string): Settings;
  sink(destination: string): Settings;
  /** Makes the destination. */
  prepare?(destination: string): Promise<void>;
  /** By another client than the connector's; resolves when the broker has confirmed. */
  publish(destination: string, messages: readonly Message[]): Promise<void>;
  /** Messages in the destination, ready or not. */
  remaining?(destination: string): Promise<number>;
  readonly refused?: Message;
  /** Values of properties that the broker understands, where it does not take the suite's. */
  readonly values?: Partial<Properties>;
  readonly lacksAtSource?: Readonly<Record<string, string>>;
  readonly lacksAtSink?: Readonly<Record<string, string>>;
}

const never = new AbortController().signal;
let count = 0;

/** Declares both suites. */
export async function brokerContract(part: BrokerPart): Promise<void> {
  const proxy = part.proxy ?? (await startProxy(part.port));
  afterAll(() => proxy.close());
  const ends = new Ends(part);
  const cutLinks = async () => {
    proxy.refuse(part.mendsItself ?? false);
    proxy.cut();
  };
  const mendLinks = async () => proxy.refuse(false);

  const source: SourceSubject = {
    name: part.name,
    can: ends.source('any', proxy.port).can,
    offers: ['cutLinks', ...(part.wrongPassword ? (['badCredentials'] as const) : [])],
    ...(part.values && { values: part.values }),
    ...(part.lacksAtSource && { lacks: part.lacksAtSource }),
    async open(window) {
      const destination = await ends.destination();
      const end = ends.source(destination, proxy.port, window);
      // A session or subscription begins with its first link.
      await (await end.open(never)).close();
      const remaining = part.remaining && (() => part.remaining?.(destination) as Promise<number>);
      return {
        end,
        publish: (messages) => part.publish(destination, messages),
        cutLinks,
        mendLinks,
        ...(remaining && { remaining }),
        ...(part.wrongPassword && { badCredentials: ends.source(destination, proxy.port, window, part.wrongPassword) }),
        dispose: mendLinks,
      };
    },
  };

  const sink: SinkSubject = {
    name: part.name,
    can: ends.sink('any', proxy.port).can,
    offers: [
      'cutLinks',
      'holdConfirms',
      ...(part.refused ? (['refused'] as const) : []),
      ...(part.wrongPassword ? (['badCredentials'] as const) : []),
    ],
    ...(part.values && { values: part.values }),
    ...(part.lacksAtSink && { lacks: part.lacksAtSink }),
    async open() {
      const destination = await ends.destination();
      const reader = await ends.source(destination, part.port).open(never);
      return {
        end: ends.sink(destination, proxy.port),
        drain: (wanted) => drain(reader, wanted),
        cutLinks,
        mendLinks,
        holdConfirms: async (isHeld) => proxy.hold('toClient', isHeld),
        ...(part.refused && { refused: part.refused }),
        ...(part.wrongPassword && { badCredentials: ends.sink(destination, proxy.port, part.wrongPassword) }),
        async dispose() {
          proxy.hold('toClient', false);
          proxy.refuse(false);
          await reader.close();
        },
      };
    },
  };
  sourceContract({ describe, test }, source);
  sinkContract({ describe, test }, sink);
}

/** Ends with their settings filled in. */
class Ends {
  readonly #part: BrokerPart;

  constructor(part: BrokerPart) {
    this.#part = part;
  }

  async destination(): Promise<string> {
    const destination = `contract-${process.pid}-${++count}`;
    await this.#part.prepare?.(destination);
    return destination;
  }

  source(destination: string, port: number, window?: Room, connection = this.#part.connection): SourceEnd {
    const { source } = this.#part.connector;
    if (!source) throw new Error(`${this.#part.name} has no source`);
    const settings = this.#settings(source.fields, this.#part.source(destination), connection(port));
    return source.create(settings, context(`source-${destination}-${port}`, window));
  }

  sink(destination: string, port: number, connection = this.#part.connection): SinkEnd {
    const { sink } = this.#part.connector;
    if (!sink) throw new Error(`${this.#part.name} has no sink`);
    return sink.create(this.#settings(sink.fields, this.#part.sink(destination), connection(port)), context(`sink-${destination}`));
  }

  #settings(fields: Fields, given: Settings, connection: Settings): never {
    return { ...testSettings(fields, given), connection: testSettings(this.#part.connector.connection ?? {}, connection) } as never; // of the type that the fields say
  }
}

function context(clientId: string, window?: Room): EndContext {
  return testContext({ clientId, ...(window && { window }) });
}

async function drain(reader: Awaited<ReturnType<SourceEnd['open']>>, wanted: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < wanted) {
    const batch = await reader.read({ messages: wanted - messages.length, bytes: 64 * 1024 * 1024 }, AbortSignal.timeout(30_000));
    if (batch === null) throw new Error(`only ${messages.length} of ${wanted} messages came`);
    messages.push(...batch.messages);
    batch.ack();
  }
  return messages;
}
