/**
 * What brokers do each in their own way, chosen by the `server` header of CONNECTED; before anything is connected, by what the config says.
 * All tried on the versions named in the README.
 */

export interface Profile {
  readonly name: BrokerName | 'unknown';
  /** What a lost link left unacked comes again in the order of the queue, before anything new. */
  readonly redeliversInOrder: boolean;
  /** The broker honours a number of messages, or bytes, that it may send ahead. Without it only TCP holds the broker back. */
  prefetch(messages: number, bytes: number): HeaderList;
  /** The headers of a durable topic subscription; undefined when it has none. */
  durable: ((name: string, clientId: string) => HeaderList) | undefined;
  readonly hasSelectors: boolean;
  /** How a destination is spelled in SEND and SUBSCRIBE. */
  destination(written: string, frame: 'SEND' | 'SUBSCRIBE'): HeaderList;
  /** Why the broker would misread this destination of a SEND; undefined when it is sound. */
  flaw(destination: string, isConstant: boolean): string | undefined;
  /** A relative time to live (RabbitMQ) or the point in time. */
  readonly expiry: { readonly header: 'expiration' | 'expires'; readonly isRelative: boolean };
  /** Multiplies the `timestamp` of a MESSAGE to milliseconds. */
  readonly timestampUnitMs: number;
  /** It keeps the `timestamp` of a SEND. */
  readonly takesTimestamp: boolean;
  /** Whether it keeps a reply-to as it is, and takes it for no order. */
  isAddress(replyTo: string): boolean;
  readonly prioritiesMax: number;
  /** The header of a SEND that holds the group; undefined when there is none. */
  readonly group: string | undefined;
  /** `message-id` names the message and not the delivery: it is the same in every copy. */
  readonly hasStableId: boolean;
  /** The longest header name and short property, in bytes. */
  readonly shortMax: number;
  /** The longest header line, in bytes, and the most headers. */
  readonly lineMax: number;
  readonly headersMax: number;
}

export type BrokerName = 'rabbitmq' | 'activemq' | 'artemis';

type HeaderList = readonly (readonly [name: string, value: string])[];

/** `ActiveMQ-Artemis/...` also begins like ActiveMQ, so the order counts. */
export function profileOf(server: string): Profile {
  if (/^RabbitMQ\b/i.test(server)) return rabbitmq;
  if (/artemis/i.test(server)) return artemis;
  if (/^(apache-)?ActiveMQ\b/i.test(server)) return activemq;
  return unknown;
}

/** That of the broker that the config names; of an unknown one when it names none. */
export function profileNamed(name: BrokerName | undefined): Profile {
  return name === undefined ? unknown : { rabbitmq, activemq, artemis }[name];
}

const plainly = (written: string): HeaderList => [['destination', written]];

/** Sound for every broker: nothing that is trimmed, invisible or ends a line. */
export function generalFlaw(destination: string): string | undefined {
  if (destination === '') return 'it is empty';
  if (/[\x00-\x1f\x7f]/.test(destination) || !destination.isWellFormed()) return 'it holds a control character';
  return destination.trim() === destination ? undefined : 'it begins or ends with a blank';
}

const unknown: Profile = {
  name: 'unknown',
  redeliversInOrder: false,
  prefetch: () => [],
  durable: undefined,
  hasSelectors: true,
  destination: plainly,
  flaw: generalFlaw,
  expiry: { header: 'expires', isRelative: false },
  timestampUnitMs: 1,
  takesTimestamp: false,
  isAddress: (replyTo) => /^\/(?:queue|topic)\/[^,*>?]+$/.test(replyTo),
  prioritiesMax: 9,
  group: undefined,
  hasStableId: false,
  shortMax: Infinity,
  lineMax: Infinity,
  headersMax: Infinity,
};

const rabbitmq: Profile = {
  ...unknown,
  name: 'rabbitmq',
  redeliversInOrder: true,
  prefetch: (messages) => [['prefetch-count', String(messages)]],
  durable: (name, clientId) => [
    ['durable', 'true'],
    ['auto-delete', 'false'],
    ['x-queue-name', `${clientId}.${name}`],
  ],
  hasSelectors: false, // it ignores the header
  flaw: (destination) => generalFlaw(destination) ?? rabbitmqFlaw(destination),
  expiry: { header: 'expiration', isRelative: true },
  timestampUnitMs: 1000,
  takesTimestamp: true,
  // It makes a queue for `/temp-queue/...`, and puts `/reply-queue/` before anything without a slash.
  isAddress: (replyTo) => /^\/(?!temp-queue\/)/.test(replyTo),
  prioritiesMax: 255,
  shortMax: 255,
};

/** An unknown prefix gets a receipt, and the message is gone. */
function rabbitmqFlaw(destination: string): string | undefined {
  if (!/^\/(?:(?:queue|topic|amq\/queue)\/[^/]+|exchange\/[^/]+(?:\/[^/]+)?)$/.test(destination)) {
    return 'RabbitMQ needs /queue/NAME, /topic/KEY, /amq/queue/NAME or /exchange/NAME/KEY; a slash in a name is written %2F';
  }
  if (/%(?![0-9a-f]{2})/i.test(destination)) return 'a percent sign is written %25';
  return destination.split('/').some((part) => Buffer.byteLength(part) > 255) ? 'a name is longer than 255 bytes' : undefined;
}

const activemq: Profile = {
  ...unknown,
  name: 'activemq',
  redeliversInOrder: true,
  prefetch: (messages) => [['activemq.prefetchSize', String(messages)]],
  durable: (name) => [['activemq.subscriptionName', name]],
  flaw: (destination) => generalFlaw(destination) ?? activemqFlaw(destination),
  hasStableId: true,
  takesTimestamp: true,
  group: 'JMSXGroupID',
  lineMax: 10_000, // MAX_HEADER_LENGTH 10 KiB, of the line as it is on the wire
  headersMax: 950, // MAX_HEADERS 1,000, with those that mqferry adds
};

/** Destinations are a small language: a comma sends to several, `>` and `*` to whatever matches, `?` begins options. */
function activemqFlaw(destination: string): string | undefined {
  if (!/^\/(?:queue|topic)\/[^,*>?]+$/.test(destination)) return 'ActiveMQ needs /queue/NAME or /topic/NAME, without , * > and ?';
  if (/^\/\w+\/(?:\w+:\/\/|ActiveMQ\.(?:Advisory|Statistics|Scheduler))/i.test(destination)) return 'it is an order to the broker';
  return undefined;
}

const artemis: Profile = {
  ...unknown,
  name: 'artemis',
  group: 'JMSXGroupID',
  redeliversInOrder: false, // it may serve a new session before it has taken back what the one before held (seen with 2.56.0)
  // Credit in bytes. 10 KiB is the default; -1 would be everything that is in the queue.
  prefetch: (messages, bytes) => [['consumer-window-size', String(Math.max(10_240, Math.min(bytes, messages * 1024)))]],
  durable: (name) => [['durable-subscription-name', name]],
  destination: artemisDestination,
  flaw: (destination, isConstant) => generalFlaw(destination) ?? artemisFlaw(destination, isConstant),
};

/**
 * The name as it is written, and what it routes to in a header of its own: without it a new address is multicast, and what is sent to it before
 * anybody subscribes is gone. Right whether or not the acceptor takes `/queue/` and `/topic/` for prefixes (`anycastPrefix`, `multicastPrefix`).
 */
function artemisDestination(written: string, frame: 'SEND' | 'SUBSCRIBE'): HeaderList {
  const kind = /^\/(queue|topic)\//.exec(written)?.[1];
  if (kind === undefined || written.includes('::')) return plainly(written);
  return [...plainly(written), [frame === 'SEND' ? 'destination-type' : 'subscription-type', kind === 'queue' ? 'ANYCAST' : 'MULTICAST']];
}

function artemisFlaw(destination: string, isConstant: boolean): string | undefined {
  const name = destination.replace(/^\/(?:queue|topic)\//, '');
  if (name === '' || /^(?:\$|activemq\.(?:management|notifications))/i.test(name)) return 'it is an order to the broker, or has no name';
  return name.includes('::') && !isConstant ? 'a message may not choose a queue of the address' : undefined;
}
