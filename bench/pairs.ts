/** The pairs that are measured, and their bars. */
import type { Broker } from '../test/brokers/broker.ts';
import { startKafka } from '../test/brokers/kafka.ts';
import { startMosquitto } from '../test/brokers/mosquitto.ts';
import { type RabbitmqBroker, startRabbitmq } from '../test/brokers/rabbitmq.ts';
import type { End } from './end.ts';
import { kafkaEnd } from './ends/kafka.ts';
import { mqttEnd } from './ends/mqtt.ts';
import { rabbitmqEnd } from './ends/rabbitmq.ts';
import { type Between, mosquittoBridge, shovel, type Tool } from './tools.ts';

export interface Bars {
  /** CPU seconds per million messages, at most. */
  readonly cpu: number;
  /** Messages per second, at least. */
  readonly rate?: number;
  /** Messages per second as a part of the peer's, at least. */
  readonly ofPeer?: number;
}

export interface Pair {
  readonly name: string;
  readonly messages: number;
  readonly rounds: number;
  readonly bars: Bars;
  readonly peer?: Tool;
  /** What is measured in between, too. */
  readonly between: readonly Between[];
  ends(brokers: Brokers): Promise<readonly [End, End]>;
}

/** CPU seconds per million messages that what is in between may cost more. */
export const betweenCpu: Readonly<Record<Between, number>> = { 'disk buffer': 6, delay: 8, dedupe: 6 };

/** Brokers, each started when it is first asked for. */
export class Brokers {
  readonly #started = new Map<string, Promise<Broker>>();

  rabbitmq(): Promise<RabbitmqBroker> {
    return this.#once('rabbitmq', startRabbitmq);
  }

  kafka(): Promise<Broker> {
    return this.#once('kafka', startKafka);
  }

  /** In memory: what is measured is the tool, and mosquitto's autosave stops the broker for as long as it takes to write the queue. */
  mosquitto(side: 'source' | 'sink'): Promise<Broker> {
    return this.#once(`mosquitto ${side}`, () => startMosquitto(['persistence false']));
  }

  async dispose(): Promise<void> {
    for (const broker of this.#started.values()) await (await broker).dispose();
    this.#started.clear();
  }

  #once<B extends Broker>(name: string, make: () => Promise<B>): Promise<B> {
    const started = this.#started.get(name) ?? make();
    this.#started.set(name, started);
    return started as Promise<B>;
  }
}

export const pairs: readonly Pair[] = [
  {
    name: 'rabbitmq-rabbitmq',
    messages: 120_000,
    rounds: 5,
    bars: { cpu: 34, ofPeer: 0.95 },
    peer: shovel,
    between: ['disk buffer'],
    ends: async (brokers) => [rabbitmqEnd(await brokers.rabbitmq()), rabbitmqEnd(await brokers.rabbitmq())],
  },
  {
    name: 'rabbitmq-kafka',
    messages: 150_000,
    rounds: 3,
    bars: { cpu: 24 },
    between: ['disk buffer'],
    ends: async (brokers) => [rabbitmqEnd(await brokers.rabbitmq()), kafkaEnd(await brokers.kafka())],
  },
  {
    name: 'kafka-rabbitmq',
    messages: 120_000,
    rounds: 3,
    bars: { cpu: 28 },
    between: ['disk buffer'],
    ends: async (brokers) => [kafkaEnd(await brokers.kafka()), rabbitmqEnd(await brokers.rabbitmq())],
  },
  {
    name: 'kafka-kafka',
    messages: 400_000,
    rounds: 3,
    bars: { cpu: 16 },
    between: ['disk buffer', 'delay', 'dedupe'],
    ends: async (brokers) => [kafkaEnd(await brokers.kafka()), kafkaEnd(await brokers.kafka())],
  },
  {
    name: 'mqtt-mqtt',
    messages: 200_000,
    rounds: 3,
    bars: { cpu: 50, rate: 15_000 },
    peer: mosquittoBridge,
    between: ['disk buffer', 'delay'],
    ends: async (brokers) => [mqttEnd(await brokers.mosquitto('source')), mqttEnd(await brokers.mosquitto('sink'))],
  },
  {
    name: 'mqtt-mqtt-backlog',
    messages: 150_000,
    rounds: 1,
    bars: { cpu: 50, rate: 15_000 },
    between: [],
    ends: async (brokers) => [mqttEnd(await brokers.mosquitto('source')), mqttEnd(await brokers.mosquitto('sink'))],
  },
  {
    name: 'mqtt-kafka',
    messages: 200_000,
    rounds: 3,
    bars: { cpu: 36 },
    between: ['disk buffer'],
    ends: async (brokers) => [mqttEnd(await brokers.mosquitto('source')), kafkaEnd(await brokers.kafka())],
  },
  {
    name: 'stomp-rabbitmq',
    messages: 100_000,
    rounds: 3,
    bars: { cpu: 35 },
    between: ['disk buffer'],
    ends: async (brokers) => [rabbitmqEnd(await brokers.rabbitmq(), 'stomp'), rabbitmqEnd(await brokers.rabbitmq())],
  },
];
