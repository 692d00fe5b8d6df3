/** Partitions of ours, and where to start in each. */
import type { Consumer } from '@platformatic/kafka';
import { notConnected } from '../../../src/connector.ts';
import type { Gaps } from '../gaps.ts';
import type { Claim } from '../port.ts';
import type { CommittedOffset, Membership } from './membership.ts';

export interface Held {
  readonly claim: Claim;
  topicId: string;
  /** How many partitions the topic had when this one was found. */
  partitions: number;
  /** Next offset to ask for; undefined until it is known. */
  position: number | undefined;
  /** How far it can be read, as the broker has last said. */
  end: number | undefined;
  fetching: boolean;
  /** Since when it cannot be read; 0 while it can. */
  troubleSince: number;
  trouble: unknown;
}

export function newlyHeld(claim: Claim): Held {
  return { claim, topicId: '', partitions: 0, position: undefined, end: undefined, fetching: false, troubleSince: 0, trouble: undefined };
}

/** What is committed for a partition when everything before `offset` has ended. */
export function committedAt({ claim, topicId, partitions }: Held, offset: number): CommittedOffset {
  return { topic: claim.topic, partition: claim.partition, offset, topicId, partitions };
}

/** Gives each its first position, and commits those that the group did not have yet. */
export async function locate(
  fresh: readonly Held[],
  client: Consumer,
  group: Membership,
  gaps: Gaps,
  from: 'earliest' | 'latest',
): Promise<void> {
  if (fresh.length === 0) return;
  const names = [...new Set(fresh.map((held) => held.claim.topic))];
  const { topics } = await client.metadata({ topics: names, forceUpdate: true });
  const all = names.map((topic) => ({ topic, partitions: range(topics.get(topic)?.partitionsCount ?? 0) }));
  const committed = await group.committed(all);
  const started: CommittedOffset[] = [];
  for (const held of fresh) {
    const { claim } = held;
    const { id = '', partitionsCount = 0 } = topics.get(claim.topic) ?? {};
    Object.assign(held, { topicId: id, partitions: partitionsCount });
    claim.topicId = topicIdText(id);
    const ofTopic = committed.filter(({ topic }) => topic === claim.topic);
    const found = ofTopic.find(({ partition }) => partition === claim.partition);
    let position = found?.offset;
    if (found && found.topicId !== undefined && found.topicId !== id) {
      position = await gaps.recreated(claim, found.offset, (at) => offsetAt(client, claim, at));
    }
    if (position === undefined) {
      position = await offsetAt(client, claim, isLaterThan(ofTopic, claim.partition) ? 'earliest' : from);
      started.push(committedAt(held, position));
    }
    // A second look, after the group has shared out once more, must not move what is already being read.
    if (claim.live) held.position ??= position;
  }
  // Without this, `latest` would skip what arrives between now and the first commit if the process dies before it.
  if (started.length > 0) await group.commit(started);
}

/** A topic id as Kafka's tools write it. */
export function topicIdText(uuid: string): string | undefined {
  return /[1-9a-f]/.test(uuid) ? Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url') : undefined;
}

/**
 * Whether the topic got this partition after the group had started with it: then all of it is new, whatever `from` says of a new group. Without
 * a position it may also be that another member has only just begun with it; the partition count of the commits tells the two apart.
 */
function isLaterThan(committed: readonly CommittedOffset[], partition: number): boolean {
  if (committed.length === 0) return false;
  return partition >= Math.min(...committed.map(({ partitions }) => partitions ?? 0));
}

/** The first or last offset of a partition; the last one that is committed, where there are transactions. */
export async function offsetAt(client: Consumer, claim: Claim, at: 'earliest' | 'latest'): Promise<number> {
  const { topic, partition } = claim;
  const timestamp = at === 'earliest' ? -2n : -1n;
  const found = await client.listOffsets({ topics: [topic], partitions: { [topic]: [partition] }, timestamp, isolationLevel: 1 });
  const offset = found.get(topic)?.[partition];
  if (offset === undefined || offset < 0n) throw notConnected(`no ${at} offset of ${claim.lane} is known`);
  return Number(offset);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
