/** What to do when the records at our position are gone. Never a silent reset. */
import { MqferryError } from '../../src/connector.ts';
import type { Claim, ReaderOptions } from './port.ts';

type OffsetAt = (at: 'earliest' | 'latest') => Promise<number>;

export class Gaps {
  readonly #options: Pick<ReaderOptions, 'groupId' | 'onGap' | 'log'>;

  constructor(options: Pick<ReaderOptions, 'groupId' | 'onGap' | 'log'>) {
    this.#options = options;
  }

  /** Where to go on when the log does not reach to `position`. Throws SOURCE_GAP with a report when the route is to stop. */
  async outOfRange(claim: Claim, position: number, offset: OffsetAt): Promise<number> {
    const [earliest, latest] = await Promise.all([offset('earliest'), offset('latest')]);
    const what =
      position < earliest
        ? `records ${position} to ${earliest - 1} of ${claim.lane} are gone (${earliest - position} at most): retention was faster than this route`
        : `${claim.lane} ends at ${latest}, before the position ${position} of group ${this.#options.groupId}: the topic was emptied, created again or cut back`;
    return this.#decide(claim, what, earliest, latest);
  }

  /** Where to go on when the topic is not the one that the position belongs to. */
  async recreated(claim: Claim, position: number, offset: OffsetAt): Promise<number> {
    const [earliest, latest] = await Promise.all([offset('earliest'), offset('latest')]);
    const what = `the topic ${claim.topic} was deleted and created again: position ${position} of ${claim.lane} belongs to the old one, the new one holds ${earliest} to ${latest}`;
    return this.#decide(claim, what, earliest, latest);
  }

  #decide(claim: Claim, what: string, earliest: number, latest: number): number {
    const { onGap, groupId, log } = this.#options;
    if (onGap === 'stop') {
      throw new MqferryError(
        'SOURCE_GAP',
        `${what}. Set onGap: earliest or latest to go on, or move group ${groupId} with your broker's tools.`,
      );
    }
    const next = onGap === 'earliest' ? earliest : latest;
    log.warn({ topic: claim.topic, partition: claim.partition, next }, `${what}. Going on at ${next}, as onGap: ${onGap} says`);
    return next;
  }
}
