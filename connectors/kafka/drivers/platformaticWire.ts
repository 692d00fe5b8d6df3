/**
 * Our own Produce and Fetch beneath the clients of @platformatic/kafka: the library finds leaders, connects, and repeats; what goes over the
 * wire in these two calls is encoded and decoded by records.ts. It asks itself for "the API of this name" by a method under a symbol that it
 * does not export (2.12.1, pinned; docs/adr/0009).
 */
import * as library from '@platformatic/kafka';
import { type Consumer, type MessageToProduce, type Producer, Reader, Writer } from '@platformatic/kafka';
import { MqferryError, notConnected } from '../../../src/connector.ts';
import type { Compression } from '../compression.ts';
import type { OutRecord } from '../port.ts';
import { encodeBatch } from '../records.ts';
import type { AbortedTransaction } from './fetched.ts';

type Callback = (error: Error | null, result?: unknown) => void;
type Api = ((...args: unknown[]) => void) & { readonly version: number };
type GetApi = (name: string, callback: (error: Error | null, api?: Api) => void) => void;

interface Connection {
  send(
    key: number,
    version: number,
    createPayload: () => Writer,
    parse: Parse,
    requestHasTags: boolean,
    responseHasTags: boolean,
    callback: Callback,
  ): void;
}
type Parse = (correlationId: number, key: number, version: number, reader: Reader) => unknown;

/** What the library has for one version of an API. */
interface ApiModule {
  createRequest(...args: unknown[]): Writer;
  parseResponse: Parse;
}

const produceKey = 0;
const fetchKey = 1;

/** `wrap` gets the library's API of this name, and gives back ours. */
function replaceApi(client: Producer<never, never, never, never> | Consumer, name: string, wrap: (api: Api) => Api): void {
  const symbol = Object.getOwnPropertySymbols(library.Base.prototype).find(({ description }) => description === 'plt.kafka.base.getApi');
  if (symbol === undefined) throw new MqferryError('INTERNAL', 'this version of @platformatic/kafka is another than mqferry was made for');
  const object = client as unknown as Record<symbol, GetApi>;
  const get = (object[symbol] as GetApi).bind(client);
  object[symbol] = (asked, callback) =>
    get(asked, (error, api) => {
      if (error || !api || asked !== name) return callback(error, api);
      try {
        callback(null, wrap(api));
      } catch (unfit) {
        callback(unfit as Error);
      }
    });
}

function moduleOf(name: 'produce' | 'fetch', version: number, versionMin: number, kafka: string): ApiModule {
  if (version >= versionMin) return (library as unknown as Record<string, ApiModule>)[`${name}V${version}`] as ApiModule;
  throw new MqferryError(
    'CONFIG_INVALID',
    `the broker knows ${name} only up to version ${version}; this driver needs ${versionMin} (Kafka ${kafka}): write \`driver: kafkajs\``,
  );
}

// --- produce

/** Records of one partition on their way through the library, which takes them for one message; and the sequence they were given. */
class Parcel {
  readonly records: readonly OutRecord[];
  #id: bigint | undefined;
  #epoch = -1;
  #sequence = 0;

  constructor(records: readonly OutRecord[]) {
    this.records = records;
  }

  /** The same at each repeat, so that the broker recognises it; another only for another producer id. */
  sequenceFor(id: bigint, epoch: number, next: () => number): number {
    if (this.#id !== id || this.#epoch !== epoch) {
      this.#sequence = next();
      this.#id = id;
      this.#epoch = epoch;
    }
    return this.#sequence;
  }
}

interface Progress {
  id: bigint;
  epoch: number;
  next: number;
}

/** Sends records through a producer, which must be idempotent. All records of a call are of one partition; one call at a time for each. */
export function recordSender(
  producer: Producer<never, never, never, never>,
  compression: Compression,
): (records: readonly OutRecord[]) => Promise<void> {
  const progress = new Map<string, Progress>();
  replaceApi(producer, 'Produce', (api) => ownProduce(api, compression, progress));
  return async (records) => {
    const [first] = records;
    if (!first) return;
    const { topic, partition } = first;
    const message = { topic, partition, value: new Parcel(records) } as unknown as MessageToProduce<never, never, never, never>;
    // acks in every call: the constructor's is never read, and without it a change of leader loses what was confirmed.
    const { offsets } = await producer.send({ acks: -1, messages: [message] });
    if (offsets?.length !== 1) throw notConnected(`the broker's answer does not say what became of a batch for ${topic}/${partition}`);
  };
}

interface Outgoing {
  readonly topic: string;
  readonly partition: number;
  readonly value: Parcel;
}

function ownProduce(api: Api, compression: Compression, progress: Map<string, Progress>): Api {
  const { version } = api;
  const { parseResponse } = moduleOf('produce', version, 9, '2.4');
  const own = (
    connection: Connection,
    acks: number,
    timeoutMs: number,
    [message]: [Outgoing],
    producer: { producerId: bigint; producerEpoch: number },
    callback: Callback,
  ) => {
    const { topic, partition, value: parcel } = message;
    const { producerId: id, producerEpoch: epoch } = producer;
    const createPayload = () => {
      const sequence = parcel.sequenceFor(id, epoch, () => takeSequence(progress, message, producer));
      const batch = encodeBatch(parcel.records, compression, { id, epoch }, sequence, Date.now());
      return Writer.create()
        .appendString(null)
        .appendInt16(acks)
        .appendInt32(timeoutMs)
        .appendArray([topic], (topics, name) => {
          topics.appendString(name).appendArray([partition], (partitions, index) => {
            partitions
              .appendInt32(index)
              .appendUnsignedVarInt(batch.length + 1)
              .append(batch);
          });
        })
        .appendTaggedFields();
    };
    connection.send(produceKey, version, createPayload, parseResponse, true, true, callback);
  };
  return Object.assign(own as (...args: never[]) => void, { version }) as unknown as Api;
}

/** The next free one of this partition; a new producer id begins at 0. Sequences go round after 2^31. */
function takeSequence(
  progress: Map<string, Progress>,
  { topic, partition, value }: Outgoing,
  { producerId: id, producerEpoch: epoch }: { producerId: bigint; producerEpoch: number },
): number {
  const key = `${topic}:${partition}`;
  let known = progress.get(key);
  if (!known || known.id !== id || known.epoch !== epoch) {
    known = { id, epoch, next: 0 };
    progress.set(key, known);
  }
  const sequence = known.next;
  known.next = (sequence + value.records.length) % 2 ** 31;
  return sequence;
}

// --- fetch

/** What a fetch found in one partition; `records` are whole batches, and maybe a piece of one. */
export interface FetchedPartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  /** Up to here transactions have ended: what `read_committed` may read. */
  readonly lastStableOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly records: Buffer;
}

export interface FetchAnswer {
  readonly responses: readonly { readonly topicId: string; readonly partitions: readonly FetchedPartition[] }[];
}

/** From now on `consumer.fetch()` resolves to a {@link FetchAnswer}. */
export function fetchBytes(consumer: Consumer): void {
  replaceApi(consumer, 'Fetch', (api) => {
    const { version } = api;
    const { createRequest } = moduleOf('fetch', version, 13, '3.1');
    const own = (connection: Connection, ...args: unknown[]) => {
      const callback = args.pop() as Callback;
      connection.send(fetchKey, version, () => createRequest(...args), readAnswer, true, true, callback);
    };
    return Object.assign(own as (...args: never[]) => void, { version }) as unknown as Api;
  });
}

/** Versions 13 to 17 (kafka.apache.org/protocol#The_Messages_Fetch); of the tagged fields only those that the library looks at. */
function readAnswer(_correlationId: number, key: number, version: number, given: Reader): FetchAnswer {
  const bytes = given.buffer.buffer; // one piece of memory: the messages are slices of it
  const reader = Reader.from(bytes).skip(given.position);
  const errors: [string, [number, null]][] = [];
  const throttleTimeMs = reader.readInt32();
  const errorCode = reader.readInt16();
  if (errorCode !== 0) errors.push(['', [errorCode, null]]);
  const answer = {
    throttleTimeMs,
    errorCode,
    sessionId: reader.readInt32(),
    nodeEndpoints: [],
    responses: reader.readArray((topics, i) => ({
      topicId: topics.readUUID(),
      partitions: topics.readArray((partitions, j) => {
        const partition = readPartition(partitions, bytes);
        if (partition.errorCode !== 0) errors.push([`/responses/${i}/partitions/${j}`, [partition.errorCode, null]]);
        return partition;
      }),
    })),
  };
  if (errors.length > 0) throw new library.ResponseError(key, version, Object.fromEntries(errors), answer as never);
  return answer;
}

function readPartition(reader: Reader, bytes: Buffer): FetchedPartition & { currentLeader: unknown } {
  const partitionIndex = reader.readInt32();
  const errorCode = reader.readInt16();
  reader.skip(8); // high watermark
  const lastStableOffset = reader.readInt64();
  reader.skip(8); // log start offset
  const abortedTransactions = reader.readNullableArray((r) => ({ producerId: r.readInt64(), firstOffset: r.readInt64() }));
  const preferredReadReplica = reader.readInt32();
  const size = Math.max(0, reader.readUnsignedVarInt() - 1);
  const records = bytes.subarray(reader.position, reader.position + size);
  reader.skip(size);
  return {
    partitionIndex,
    errorCode,
    lastStableOffset,
    abortedTransactions,
    preferredReadReplica,
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    records,
  } as FetchedPartition & { currentLeader: unknown };
}
