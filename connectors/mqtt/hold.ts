import type { MqttClient } from 'mqtt';

/**
 * Stops reading the socket, so that the broker has to wait (TCP), and keeps the link alive meanwhile: the answers to our pings stand in the
 * line that is not being read. A link that dies meanwhile is noticed by the next ping, or the next PUBACK.
 */
export class Hold {
  readonly #client: MqttClient;
  readonly #first = Promise.withResolvers<void>();
  #resume: (() => void) | undefined;
  #pings: NodeJS.Timeout | undefined;

  constructor(client: MqttClient) {
    this.#client = client;
  }

  /** Resolves when it holds for the first time. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  get held(): boolean {
    return this.#resume !== undefined;
  }

  /** Nothing more is read until {@link release}, which calls `resume`. */
  hold(resume: () => void): void {
    this.#resume = resume;
    this.#first.resolve();
    const keepaliveMs = this.#client.keepalive * 1000;
    if (keepaliveMs === 0) return;
    // From the first time on, for as long as the link lives: short holds that come again and again would put off both its pings and ours.
    // A broker hangs up after one and a half: the last packet may be a whole one old, so a third later is in time.
    this.#pings ??= setInterval(() => this.#ping(), keepaliveMs / 3);
    this.#client.reschedulePing(true); // a ping may be on its way whose answer we shall not see
  }

  release(): void {
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** The link is gone, or going. */
  stop(): void {
    clearInterval(this.#pings);
    this.release();
  }

  #ping(): void {
    this.#client.sendPing();
    if (this.held) this.#client.reschedulePing(true); // else mqtt.js misses the answer and hangs up
  }
}
