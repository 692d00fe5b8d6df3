import { group, oneOf, template, whole } from '../config/fields.ts';
import { defineStep, eachMessage } from './step.ts';

export const log = defineStep({
  name: 'log',
  summary: 'Writes a line to the log for a message, and lets it pass.',
  value: group('What is written.', {
    text: template('The line, in which `${{ expr }}` is evaluated.', { example: 'order ${{ body.orderId }}' }),
    level: oneOf('The level of the line.', ['debug', 'info'], { default: 'debug' }),
    perSecond: whole('At most so many lines a second; the rest is counted.', { default: 10, min: 1, max: 1000 }),
  }),
  example: {
    steps: "- log: { text: 'order ${{ body.orderId }}' }",
    before: 'body: {"orderId":7}',
    after: 'body: {"orderId":7}',
  },
  touches: 'nothing',
  explain: ({ level }) => `writes a line to the log (${level})`,
  compile({ text, level, perSecond }, { log, clock }) {
    const limit = new Limit(perSecond);
    const one = eachMessage('log', (message) => {
      if (limit.take()) log[level]({}, text(message));
      return message;
    });
    return (messages, aside) => {
      const unwritten = limit.refill(clock.now());
      if (unwritten > 0) log[level]({ unwritten }, 'more lines of this log step were not written');
      return one(messages, aside);
    };
  },
});

/** So many a second; the clock is read once a batch. */
class Limit {
  readonly #perSecond: number;
  #since = 0;
  #left = 0;
  #refused = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Starts the next second when it has come; returns how many were refused in the one before. */
  refill(nowMs: number): number {
    if (this.#since !== 0 && nowMs - this.#since < 1000) return 0;
    const refused = this.#refused;
    this.#since = nowMs;
    this.#left = this.#perSecond;
    this.#refused = 0;
    return refused;
  }

  take(): boolean {
    if (this.#left > 0) {
      this.#left--;
      return true;
    }
    this.#refused++;
    return false;
  }
}
