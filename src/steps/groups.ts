/** Open groups, and when each is complete. */
import type { Release } from '../buffer/stage/keeper.ts';
import { DueHeap } from './due-heap.ts';

export interface Limits {
  readonly bytes: number;
  /** Since its first message. */
  readonly afterMs: number | undefined;
  /** Since its last message. */
  readonly quietMs: number | undefined;
  readonly maxGroups: number;
}

export interface Member {
  readonly id: number;
  readonly key: string;
  readonly at: number;
  readonly bytes: number;
  /** With it, the group is complete when it has so many; 0: it says nothing of that. */
  readonly count: number;
  /** The group is complete with it, in any case. */
  readonly isLast: boolean;
}

interface Group {
  /** Of this group among all there were: a later one may have the same key. */
  readonly number: number;
  readonly key: string;
  readonly ids: number[];
  readonly firstAt: number;
  lastAt: number;
  bytes: number;
}

export class Groups {
  readonly #limits: Limits;
  /** By key, the one that is open for longest first. */
  readonly #groups = new Map<string, Group>();
  readonly #byNumber = new Map<number, Group>();
  readonly #timers = new DueHeap();
  readonly #complete: Release[] = [];
  #next = 1;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#groups.size;
  }

  add({ id, key, at, bytes, count, isLast }: Member): void {
    const { bytes: bytesMax, maxGroups } = this.#limits;
    let group = this.#groups.get(key);
    if (group && group.bytes + bytes > bytesMax) {
      this.#close(group, 'bytes');
      group = undefined;
    }
    group ??= this.#begin(key, at);
    group.ids.push(id);
    group.bytes += bytes;
    group.lastAt = at;
    if (isLast) this.#close(group, 'when');
    else if (count > 0 && group.ids.length >= count) this.#close(group, 'count');
    else if (this.#groups.size > maxGroups) this.#close(this.#groups.values().next().value as Group, 'groups');
  }

  /** The next one that is complete by now. */
  take(nowMs: number): Release | undefined {
    if (this.#complete.length === 0) this.#lookAtTimers(nowMs);
    return this.#complete.shift();
  }

  waitMs(nowMs: number): number | undefined {
    if (this.#complete.length > 0) return 0;
    const { nextMs } = this.#timers;
    return nextMs === undefined ? undefined : nextMs - nowMs;
  }

  #begin(key: string, at: number): Group {
    const group: Group = { number: this.#next++, key, ids: [], firstAt: at, lastAt: at, bytes: 0 };
    this.#groups.set(key, group);
    this.#byNumber.set(group.number, group);
    this.#setTimer(group);
    return group;
  }

  #close(group: Group, why: string): void {
    this.#groups.delete(group.key);
    this.#byNumber.delete(group.number);
    this.#complete.push({ members: group.ids, why });
  }

  /** One timer a group: it looks again when more has come meanwhile. */
  #setTimer(group: Group): void {
    const { afterMs = Number.POSITIVE_INFINITY, quietMs = Number.POSITIVE_INFINITY } = this.#limits;
    const due = Math.min(group.firstAt + afterMs, group.lastAt + quietMs);
    if (due < Number.POSITIVE_INFINITY) this.#timers.push(due, group.number);
  }

  #lookAtTimers(nowMs: number): void {
    const { afterMs = Number.POSITIVE_INFINITY, quietMs = Number.POSITIVE_INFINITY } = this.#limits;
    for (let number = this.#timers.takeDue(nowMs); number !== undefined; number = this.#timers.takeDue(nowMs)) {
      const group = this.#byNumber.get(number);
      if (!group) continue;
      if (group.firstAt + afterMs <= nowMs) this.#close(group, 'time');
      else if (group.lastAt + quietMs <= nowMs) this.#close(group, 'quiet');
      else this.#setTimer(group);
    }
  }
}
