/** The brokers of a run: two of each, one that is read and one that is written, started when a cell needs them. */
import { brokers } from '../../brokers/all.ts';
import { type Protocol, protocols } from './cells.ts';
import type { Subject } from './subject.ts';
import { kafkaSubject } from './subjects/kafka.ts';
import { mqttSubject } from './subjects/mqtt.ts';
import { rabbitmqSubject } from './subjects/rabbitmq.ts';
import { stompSubject } from './subjects/stomp.ts';

const makers: Record<Protocol, () => Promise<Subject>> = {
  rabbitmq: rabbitmqSubject,
  kafka: kafkaSubject,
  mqtt: mqttSubject,
  stomp: stompSubject,
};
const brokerOf: Record<Protocol, string> = { rabbitmq: 'rabbitmq', kafka: 'kafka', mqtt: 'mosquitto', stomp: 'activemq' };

/** Of the brokers that are installed. */
export async function versionsOfBrokers(): Promise<ReadonlyMap<Protocol, string | undefined>> {
  const versions = new Map<Protocol, string | undefined>();
  for (const protocol of protocols) versions.set(protocol, await brokers[brokerOf[protocol]]?.version());
  return versions;
}

export class Subjects {
  readonly #started = new Map<string, Promise<Subject>>();

  get(protocol: Protocol, side: 'source' | 'sink'): Promise<Subject> {
    const key = `${protocol} ${side}`;
    const running = this.#started.get(key) ?? makers[protocol]();
    this.#started.set(key, running);
    return running;
  }

  async dispose(): Promise<void> {
    for (const running of this.#started.values()) await (await running).broker.dispose();
    this.#started.clear();
  }
}
