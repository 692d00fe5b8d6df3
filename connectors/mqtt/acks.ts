import type { Room } from '../../src/connector.ts';
import { encodePubacks } from './encode.ts';

interface Owed {
  /** 0: a message of QoS 0, for which nothing is to be sent. */
  readonly messageId: number;
  readonly bytes: number;
  settled: boolean;
}

/**
 * The PUBACKs owed on one connection. They are sent in the order in which the messages came [MQTT-4.6.0-2], and never on another
 * connection, where the same packet ids mean other messages.
 */
export class Acks {
  readonly #link: { write(packets: Buffer): void };
  readonly #window: Room;
  #owed: Owed[] = [];
  #first = 0;
  #bytes = 0;

  constructor(link: { write(packets: Buffer): void }, window: Room) {
    this.#link = link;
    this.#window = window;
  }

  /** As many messages or bytes are unsettled as may be. Brokers go beyond the Receive Maximum (mosquitto 2.0.11), so we count. */
  get full(): boolean {
    return this.#owed.length - this.#first >= this.#window.messages || this.#bytes >= this.#window.bytes;
  }

  /** Takes note of a message that came. `settled`: it goes no further, and its PUBACK waits only for those before it. */
  owe(messageId: number, bytes: number, settled: boolean): void {
    this.#owed.push({ messageId, bytes, settled });
    this.#bytes += bytes;
    if (settled) this.#send();
  }

  /** The `count` oldest unsettled messages have ended. */
  settle(count: number): void {
    for (let i = this.#first, left = count; left > 0 && i < this.#owed.length; i++) {
      const owed = this.#owed[i] as Owed;
      if (owed.settled) continue;
      owed.settled = true;
      left--;
    }
    this.#send();
  }

  #send(): void {
    const messageIds: number[] = [];
    let owed = this.#owed[this.#first];
    while (owed?.settled) {
      if (owed.messageId !== 0) messageIds.push(owed.messageId);
      this.#bytes -= owed.bytes;
      owed = this.#owed[++this.#first];
    }
    if (messageIds.length > 0) this.#link.write(encodePubacks(messageIds));
    // Forget what was sent, now and then: shifting one by one would cost far more.
    if (this.#first < 1000 && this.#first < this.#owed.length) return;
    this.#owed = this.#owed.slice(this.#first);
    this.#first = 0;
  }
}
