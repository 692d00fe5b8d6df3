/** One protocol as the laboratory sees it: its broker, and native clients that share no code with mqferry's connectors. */
import type { Broker } from '../../brokers/broker.ts';
import type { Wire } from '../wire.ts';

/** One message of a cell. Its number travels in the header `x-n`. */
export interface Parcel {
  readonly n: number;
  readonly body: Buffer;
  readonly headers: readonly (readonly [string, string])[];
}

/** What came out at the sink broker. */
export interface Arrival {
  readonly body: Buffer;
  /** Of its headers, those of the broker's protocol among them. */
  readonly names: readonly string[];
  /** By name, as text. */
  header(name: string): string | undefined;
}

export interface Publisher {
  /** Resolves once the broker has confirmed all; rejects when the outcome is unknown. */
  publish(parcels: readonly Parcel[]): Promise<void>;
  close(): Promise<void>;
}

export interface Subject {
  readonly protocol: Wire;
  readonly broker: Broker;
  /** A place of it has so many lanes; message n is published to lane n modulo so many. */
  readonly lanes: number;
  /** How it is stopped in a restart cell: SIGKILL where its persistence survives that. */
  readonly restartBy: 'SIGTERM' | 'SIGKILL';
  /** Where mqferry connects to. */
  readonly port: number;
  /** The proxy that stands in front of it in some cells: its own port, when that must be known to the broker, and where it leads. */
  readonly proxy: { readonly port: number; readonly target: number };
  /** Makes the place called `name`, empty, and keeps what is sent there. */
  prepare(name: string): Promise<void>;
  publisher(name: string): Promise<Publisher>;
  /** Takes everything out, from the first message on; the result ends it. */
  drain(name: string, arrived: (arrival: Arrival) => void): Promise<() => Promise<void>>;
  /** YAML (flow style) of the connection and of the two ends. */
  /** `isImpatient`: a broker or network that is silent for some seconds is taken for dead. */
  connection(port: number, isImpatient: boolean): string;
  source(name: string): string;
  sink(name: string): string;
}
