import type { Room } from '../connector.ts';

/** Messages and bytes that were read and have not been released. Room is taken before reading, so the window bounds memory. */
export class Window {
  messages = 0;
  bytes = 0;
  messagesMax = 0;
  readonly #size: Room;

  constructor(size: Room) {
    this.#size = size;
  }

  /** What one read may take: at most a quarter of the window, so that one batch that is stuck does not hold all of it. */
  room(): Room {
    const quarter = Math.ceil(this.#size.messages / 4);
    return { messages: Math.min(this.#size.messages - this.messages, quarter), bytes: this.#size.bytes - this.bytes };
  }

  get isFull(): boolean {
    return this.messages >= this.#size.messages || this.bytes >= this.#size.bytes;
  }

  take(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
    this.messagesMax = Math.max(this.messagesMax, this.messages);
  }

  release(messages: number, bytes: number): void {
    this.messages -= messages;
    this.bytes -= bytes;
  }
}
