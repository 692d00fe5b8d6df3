/** A real broker of each protocol, with the ends of mqferry's connector on it. */
import { kafka } from '../../connectors/kafka/index.ts';
import { mqtt } from '../../connectors/mqtt/index.ts';
import { rabbitmq } from '../../connectors/rabbitmq/index.ts';
import { stomp } from '../../connectors/stomp/index.ts';
import type { AnyConnector, SinkEnd, SourceEnd } from '../../src/connector.ts';
import { testContext, testSettings } from '../../src/testkit/index.ts';
import { activemqLogin } from '../brokers/activemq.ts';
import type { ArtemisBroker } from '../brokers/artemis.ts';
import type { Broker, BrokerKind } from '../brokers/broker.ts';
import { createTopics } from '../brokers/kafka.ts';
import { mosquittoLogin } from '../brokers/mosquitto.ts';
import { makeQueues, type RabbitmqBroker, rabbitmqPassword, rabbitmqUser } from '../brokers/rabbitmq.ts';
import type { Side } from './compare.ts';
import type { Family } from './messages.ts';

type Settings = Readonly<Record<string, unknown>>;

export interface Site extends Side {
  readonly name: SiteName;
  readonly family: Family;
  readonly connector: AnyConnector;
  readonly broker: Broker;
  readonly connection: Settings;
  sourceOf(place: string): Settings;
  sinkOf(place: string): Settings;
  /** Makes the place; what a subscription makes is made when the source opens. */
  prepare(place: string): Promise<void>;
}

export const siteNames = ['rabbitmq', 'kafka', 'mqtt', 'stomp', 'mqtt311', 'artemis', 'rabbitmqStomp'] as const;
export type SiteName = (typeof siteNames)[number];

/** Handed in, so that a suite names what it needs. */
export interface Brokers {
  readonly rabbitmq: BrokerKind<RabbitmqBroker>;
  readonly kafka: BrokerKind;
  readonly mosquitto: BrokerKind;
  readonly activemq: BrokerKind;
  readonly artemis?: BrokerKind<ArtemisBroker>;
}

export const brokerOf: Readonly<Record<SiteName, keyof Brokers>> = {
  rabbitmq: 'rabbitmq',
  kafka: 'kafka',
  mqtt: 'mosquitto',
  stomp: 'activemq',
  mqtt311: 'mosquitto',
  artemis: 'artemis',
  rabbitmqStomp: 'rabbitmq',
};

/** Started when first asked for, and shared: a broker may be both sides of a pair, and speak several protocols. */
export class Sites {
  readonly #brokers: Brokers;
  readonly #started = new Map<string, Promise<Broker>>();
  readonly #sites = new Map<SiteName, Promise<Site>>();

  constructor(brokers: Brokers) {
    this.#brokers = brokers;
  }

  get(name: SiteName): Promise<Site> {
    const site = this.#sites.get(name) ?? makers[name](this);
    this.#sites.set(name, site);
    return site;
  }

  broker<Name extends keyof Brokers>(name: Name): ReturnType<NonNullable<Brokers[Name]>['start']> {
    const running = this.#started.get(name) ?? this.#brokers[name]?.start();
    if (running === undefined) throw new Error(`${name} was not handed in`);
    this.#started.set(name, running);
    return running as ReturnType<NonNullable<Brokers[Name]>['start']>;
  }

  async dispose(): Promise<void> {
    for (const broker of this.#started.values()) await (await broker).dispose();
  }
}

const makers: Readonly<Record<SiteName, (sites: Sites) => Promise<Site>>> = {
  async rabbitmq(sites) {
    const broker = await sites.broker('rabbitmq');
    return siteOf('rabbitmq', 'amqp', rabbitmq, broker, {
      connection: { url: [broker.url()] },
      sourceOf: (queue) => ({ queue }),
      sinkOf: (queue) => ({ queue }),
      prepare: (queue) => makeQueues(broker, [queue]),
    });
  },
  async kafka(sites) {
    const broker = await sites.broker('kafka');
    const brokers = [`127.0.0.1:${broker.ports['plain']}`];
    return siteOf('kafka', 'kafka', kafka, broker, {
      connection: { brokers },
      sourceOf: (topic) => ({ topics: [topic], groupId: `group-${topic}` }),
      sinkOf: (topic) => ({ topic }),
      prepare: (name) => createTopics(brokers, [{ name }]),
    });
  },
  mqtt: async (sites) => mqttSite('mqtt', 'mqtt5', 5, await sites.broker('mosquitto')),
  mqtt311: async (sites) => mqttSite('mqtt311', 'mqtt3', '3.1.1', await sites.broker('mosquitto')),
  stomp: async (sites) => stompSite('stomp', await sites.broker('activemq'), 'activemq', javaLogin),
  artemis: async (sites) => stompSite('artemis', await sites.broker('artemis'), 'artemis', javaLogin),
  async rabbitmqStomp(sites) {
    const broker = await sites.broker('rabbitmq');
    return stompSite('rabbitmqStomp', broker, 'rabbitmq', `${rabbitmqUser}:${rabbitmqPassword}`, 'mq');
  },
};

const javaLogin = `${activemqLogin.username}:${activemqLogin.password}`;

function mqttSite(name: SiteName, family: Family, version: 5 | '3.1.1', broker: Broker): Site {
  return siteOf(name, family, mqtt, broker, {
    connection: { url: [`mqtt://127.0.0.1:${broker.ports['tcp']}`], ...mosquittoLogin, version },
    sourceOf: (topic) => ({ topics: [topic] }),
    sinkOf: (topic) => ({ topic }),
    prepare: async () => {},
  });
}

function stompSite(name: SiteName, broker: Broker, kind: string, login: string, vhost?: string): Site {
  return siteOf(name, 'stomp', stomp, broker, {
    connection: { url: [`stomp://${login}@127.0.0.1:${broker.ports['stomp']}`], broker: kind, ...(vhost && { vhost }) },
    sourceOf: (queue) => ({ destination: `/queue/${queue}` }),
    sinkOf: (queue) => ({ destination: `/queue/${queue}` }),
    prepare: async () => {},
  });
}

type Own = Pick<Site, 'connection' | 'sourceOf' | 'sinkOf' | 'prepare'>;

function siteOf(name: SiteName, family: Family, connector: AnyConnector, broker: Broker, own: Own): Site {
  const site = { name, family, connector, broker, ...own };
  return { ...site, sink: sinkAt(site, 'any').can.carries, source: sourceAt(site, 'any').can.carries };
}

type Ends = Pick<Site, 'name' | 'connector' | 'connection' | 'sourceOf' | 'sinkOf'>;

export function sourceAt({ name, connector, connection, sourceOf }: Ends, place: string): SourceEnd {
  if (!connector.source) throw new Error(`${name} has no source`);
  const settings = testSettings(connector.source.fields, sourceOf(place));
  return connector.source.create(
    { ...settings, connection: testSettings(connector.connection, connection) },
    testContext({ clientId: `read-${place}` }),
  );
}

export function sinkAt({ name, connector, connection, sinkOf }: Ends, place: string): SinkEnd {
  if (!connector.sink) throw new Error(`${name} has no sink`);
  const settings = testSettings(connector.sink.fields, sinkOf(place));
  return connector.sink.create(
    { ...settings, connection: testSettings(connector.connection, connection) },
    testContext({ clientId: `write-${place}` }),
  );
}
