/** One broker as the bench sees it: filled in bulk as a source, counted as a sink. */
import type { Broker } from '../test/brokers/broker.ts';

export interface Counter {
  /** Messages that have arrived, as the broker says. */
  count(): Promise<number>;
  close(): Promise<void>;
}

export interface End {
  readonly broker: Broker;
  /** YAML (flow style) of the connection. */
  readonly connection: string;
  /** Makes the place and puts messages into it. May be called again when they have been taken out. */
  fill(place: string, messages: number): Promise<void>;
  /** Makes the place, or empties it. */
  empty(place: string): Promise<void>;
  counter(place: string): Promise<Counter>;
  /** YAML of a source; another `reader` begins at the first message where the broker keeps what was read. */
  source(place: string, reader: string): string;
  sink(place: string): string;
}

/** Three headers, as most peers' own benchmarks have them. */
export const headers = { 'x-trace-id': '4bf92f3577b34da6a3ce929d0e0e4736', source: 'orders', 'schema-version': '3' };

const filling = 'Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore '.repeat(11);

/** A JSON object of exactly 1 KiB with a number of its own. */
export function body(n: number): Buffer {
  const head = `{"id":${n},"customer":"c-${n % 997}","total":${(n % 5000) / 100},"note":"`;
  return Buffer.from(`${head}${filling.slice(0, 1024 - head.length - 2)}"}`);
}
