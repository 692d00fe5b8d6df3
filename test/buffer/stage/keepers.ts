/** Keepers for tests of the stage itself. */
import { CallKeeper } from '../../../src/buffer/calls/call-keeper.ts';
import type { Keeper, Release } from '../../../src/buffer/stage/keeper.ts';
import { Message } from '../../../src/message.ts';
import { DueHeap } from '../../../src/steps/due-heap.ts';
import { stepKinds } from '../../../src/steps/index.ts';
import { quiet } from '../../steps/run.ts';

/** Each leaves after the time in its header `wait`. */
export function waiting(): Keeper {
  const heap = new DueHeap();
  return {
    decides: false,
    note: (message) => String(message.header('wait')),
    add: ({ id, note, at }) => heap.push(at + Number(note), id),
    take({ stage }) {
      const id = heap.takeDue(stage);
      return id === undefined ? undefined : { members: [id], why: '' };
    },
    waitMs: ({ stage }) => (heap.nextMs === undefined ? undefined : heap.nextMs - stage),
    make: ([message]) => message as Message,
    failed: ([message]) => message as Message,
  };
}

/**
 * Those with the same header `group` leave together: three of them, or what is there 40 ms after the first; or, by chance, before. Those of group
 * 0 are slow: 30, or 900 ms; so what is around them is long done with when they leave.
 */
export function grouping(random: () => number): Keeper {
  const groups = new Map<string, { ids: number[]; since: number }>();
  const closed: Release[] = [];
  const [countOf, msOf] = [(key: string) => (key === '0' ? 30 : 3), (key: string) => (key === '0' ? 900 : 40)];
  const close = (key: string, why: string) => {
    closed.push({ members: groups.get(key)?.ids ?? [], why });
    groups.delete(key);
  };
  return {
    decides: true,
    note: (message) => String(message.header('group')),
    add({ id, note, at }) {
      const group = groups.get(note) ?? { ids: [], since: at };
      groups.set(note, group);
      group.ids.push(id);
      if (group.ids.length === countOf(note) || random() < 0.02) close(note, 'count');
    },
    take({ stage }) {
      for (const [key, { since }] of groups) if (since + msOf(key) <= stage) close(key, 'time');
      return closed.shift();
    },
    waitMs: ({ stage }) => (groups.size === 0 ? undefined : Math.min(...[...groups].map(([key, { since }]) => since + msOf(key) - stage))),
    make: (members) => new Message({ type: 'group', body: Buffer.from(JSON.stringify(members.map(({ id }) => Number(id)))) }),
    failed: (_, error) => new Message({ body: null, fault: error }),
    get groups() {
      return groups.size;
    },
  };
}

/** Those of a group leave by the number in `place`; what is missing is waited for 30 ms. The product's own. */
export function sequencing(): Keeper {
  const value = {
    number: (message: Message) => message.header('place'),
    by: (message: Message) => String(message.header('group')),
    gap: 30,
    first: undefined,
    capacity: 6,
    late: 'pass',
    maxKeys: 100,
  };
  const spec = stepKinds['resequence']?.stage?.(value, { log: quiet } as never);
  if (!spec) throw new Error('there is no such stage');
  return spec.keeper();
}

/**
 * Every other message is a call, the one behind it the reply, but for some that come much too late; so each leaves alone, or both together. The
 * product's own; what is known of a call outside of it is known to each life of one seed.
 */
export function calling(random: () => number): Keeper {
  const names = namesOfSeed.get(random) ?? new Map<number, string>();
  namesOfSeed.set(random, names);
  const both = (members: readonly Message[]) =>
    new Message({ type: 'group', body: Buffer.from(JSON.stringify(members.map(({ id }) => Number(id)))) });
  const keeper = new CallKeeper({
    nameIn: (reply) => names.get(Number(reply.id) - 1) ?? 'nobody',
    stranger: () => undefined,
    answer: (call, reply) => both([call, reply]),
    late: (reply) => reply,
    timeout: (call) => call,
  });
  const { note } = CallKeeper.prototype;
  return Object.assign(keeper, {
    note(message: Message) {
      const number = Number(message.id);
      if (number % 2 === 0) {
        keeper.call({ replyTo: '', correlationId: undefined, timeoutMs: random() < 0.3 ? 1 : 900 }, message);
        names.set(number, keeper.nameOf(message));
      }
      return note.call(keeper, message);
    },
  });
}

const namesOfSeed = new WeakMap<() => number, Map<number, string>>();

/** Looks whether a stage forgets how far it had come: what is not late is never below what has left. */
export function inSequence(): (message: Message) => void {
  const last = new Map<unknown, number>();
  return (message) => {
    const [group, place] = [message.header('group'), message.header('place') as number];
    const isLate = message.header('resequence-late') === true;
    const before = last.get(group) ?? -1;
    if (isLate ? place > before : place <= before)
      throw new Error(`${place} left ${isLate ? 'as late ' : ''}after ${before}, in group ${group}`);
    if (!isLate) last.set(group, place);
  };
}
