/** The part of stompit 1.0 that the tests use; it has no types of its own. */
declare module 'stompit' {
  import type { Readable, Writable } from 'node:stream';

  interface Incoming extends Readable {
    readonly headers: Readonly<Record<string, string>>;
  }
  interface Client {
    send(headers: Record<string, string>, options?: { onReceipt?: () => void }): Writable;
    subscribe(headers: Record<string, string>, onMessage: (error: Error | null, message: Incoming) => void): unknown;
    ack(message: Incoming): void;
    on(event: 'error', listener: (error: Error) => void): this;
    disconnect(callback?: () => void): void;
    destroy(): void;
  }
  const stompit: {
    connect(options: object, callback: (error: Error | null, client: Client) => void): unknown;
  };
  export default stompit;
}
