import type { Setup } from './scenario.ts';

/** Without outages: a life that can do nothing for long takes its first message up just before the next kill, by chance three times in a row. */
const kills: Setup = { drains: 1, quarantine: true, crashes: 6, crashEveryMs: 500 };
/** So dense that one that is never cleared is met again and again. */
const alike: Setup = { ...kills, crashes: 8, crashEveryMs: 250, isAlike: true };
/** Nothing else than illness refuses, so nothing may be given up for it. */
const ill: Setup = { illMs: 3000, crashes: 1, faults: { refuse: 0, sinkCut: 0 } };
const storm: Setup = { crashes: 2, drains: 1, outages: 1 };

/** Must never fail: order × what the sink keeps × sinks × how the source settles × buffer × dedupe × bad messages × outages. */
export const sound: Readonly<Record<string, Setup>> = {
  'order none, one sink': { ...storm },
  'order none, all sinks must confirm': { ...storm, sinks: 'all' },
  'order none, switch, acks in order': { ...storm, sinks: 'switch', settling: 'inOrder' },
  'order none, watermark, a message that kills the link': { settling: 'cumulative', hasKiller: true, crashes: 1 },
  'order lane, sink goes on after a refusal': { ...storm, order: 'lane', settling: 'cumulative' },
  'order lane, sink keeps order': { ...storm, order: 'lane', keepsOrder: true, settling: 'inOrder' },
  'order lane, sink keeps order, killer': { order: 'lane', keepsOrder: true, settling: 'inOrder', hasKiller: true, crashes: 1 },
  'order lane, sinks keep order, all': { ...storm, order: 'lane', keepsOrder: true, sinks: 'all' },
  'order key, sinks go on, all': { ...storm, order: 'key', sinks: 'all' },
  'order key, sinks keep order, switch': { ...storm, order: 'key', keepsOrder: true, sinks: 'switch' },
  'buffered, order none': { ...storm, isBuffered: true },
  'buffered, order lane, sink keeps order': { ...storm, isBuffered: true, order: 'lane', keepsOrder: true },
  'buffered, order lane, sinks go on, all, killer': {
    isBuffered: true,
    order: 'lane',
    sinks: 'all',
    crashes: 2,
    outages: 1,
    hasKiller: true,
  },
  'a buffer and a stage, order lane, sink keeps order': { ...storm, isBuffered: true, isStaged: true, order: 'lane', keepsOrder: true },
  'a buffer and a stage, order none, all, killer': { ...storm, isBuffered: true, isStaged: true, sinks: 'all', hasKiller: true },
  'rules by error: a drop, two dead letters, tries for a time': { ...storm, hasKiller: true, hasRules: true },
  'rules by error, buffered, order lane, all': { ...storm, isBuffered: true, order: 'lane', sinks: 'all', hasKiller: true, hasRules: true },
  'what fails is tried again later': { ...storm, triesLater: true },
  'what fails is tried again later, acks on completion, all, killer': {
    ...storm,
    triesLater: true,
    declares: 'each',
    sinks: 'all',
    hasKiller: true,
  },
  'what fails is tried again later, a step waits, watermark': { ...storm, triesLater: true, waits: true, settling: 'cumulative' },
  'what fails is tried again later, buffered, dedupe': { ...storm, triesLater: true, isBuffered: true, dedupe: 'shared' },
  'dedupe, copies share the outcome': { ...storm, dedupe: 'shared' },
  'dedupe, order lane, sinks keep order, all, killer': {
    ...storm,
    dedupe: 'shared',
    order: 'lane',
    keepsOrder: true,
    sinks: 'all',
    hasKiller: true,
  },
  'dedupe behind a buffer': { ...storm, declares: 'each', isBuffered: true, dedupe: 'shared' },
  'dedupe, copies dropped, acks in read order': { ...storm, dedupe: 'dropped' },
  'a step that waits': { ...storm, waits: true },
  'a step that waits, acks on completion, switch': { ...storm, waits: true, declares: 'each', sinks: 'switch' },
  'a step that waits, order lane, sink keeps order, watermark': {
    ...storm,
    waits: true,
    order: 'lane',
    keepsOrder: true,
    settling: 'cumulative',
  },
  'a step that waits, order key, all, killer': { ...storm, waits: true, order: 'key', sinks: 'all', settling: 'inOrder', hasKiller: true },
  'a step that waits behind the buffer, order lane': { ...storm, waits: true, isBuffered: true, order: 'lane', keepsOrder: true },
  'acks on completion': { ...storm, declares: 'each' },
  'acks on completion, dedupe shares the outcome': { ...storm, declares: 'each', dedupe: 'shared' },
  'acks on completion, order key, all': { ...storm, declares: 'each', order: 'key', sinks: 'all' },
  'a message that ends the process': { quarantine: true, hasDeadly: true, crashes: 1 },
  'a message that ends the process, buffered, order lane, all': {
    quarantine: true,
    hasDeadly: true,
    isBuffered: true,
    order: 'lane',
    sinks: 'all',
  },
  'a message that ends the process, watermark': { quarantine: true, hasDeadly: true, settling: 'cumulative', outages: 1, drains: 1 },
  'killed again and again, no message at fault': { ...kills },
  'killed again and again, buffered, no message at fault': { ...kills, isBuffered: true },
  'killed again and again, all messages alike': alike,
  'a tap that does anything, order none, all': { ...storm, isTapped: true, sinks: 'all' },
  'a tap that does anything, order lane, sink keeps order, killer': {
    ...storm,
    isTapped: true,
    order: 'lane',
    keepsOrder: true,
    settling: 'inOrder',
    hasKiller: true,
  },
  'a tap that does anything, buffered, order key': { ...storm, isTapped: true, isBuffered: true, order: 'key' },
  'a sink that is ill for long, with a breaker': { ...ill, drains: 1 },
  'sinks that are ill for long, with breakers, order key, all': { ...ill, order: 'key', sinks: 'all' },
  'sinks that are ill for long, with breakers, buffered, order lane, switch': { ...ill, isBuffered: true, order: 'lane', sinks: 'switch' },
  'an ill sink in a storm, with a breaker': { ...storm, illMs: 1500, order: 'lane', hasKiller: true, settling: 'cumulative' },
  'long outage, source opened only while sinks are open': {
    window: 64,
    prefetch: 4,
    ackTimeoutMs: 200,
    deliveryLimit: 5,
    longOutageMs: 4000,
  },
};

/** A wrong reading of the design: a set-up it is played in, what the checkers must find, and the edit of the engine's source that makes it. */
export interface Control {
  readonly setup: Setup;
  readonly finds: string;
  readonly edit?: { readonly file: string; readonly from: string; readonly to: string };
}

const laneStorm: Setup = { order: 'lane', crashes: 1 };

/** Each must be caught. */
export const controls: Readonly<Record<string, Control>> = {
  'the window slides over a sink that goes on after a refusal': {
    setup: laneStorm,
    finds: 'order',
    edit: { file: 'outbox.ts', from: "if (order === undefined || order === 'none') return true;", to: 'return true;' },
  },
  'a sink that keeps order returns refusals for now and is retried': {
    setup: { ...laneStorm, keepsOrder: true, breaksItsWord: true },
    finds: 'order',
    edit: { file: 'outbox.ts', from: "return order !== 'none' &&", to: "return order === 'none' &&" },
  },
  'a read takes more than its room': {
    setup: {},
    finds: 'window',
    edit: { file: 'pump.ts', from: 'source.read(this.window.room(),', to: 'source.read({ messages: 1e9, bytes: 1e9 },' },
  },
  'acks on completion to a broker that wants PUBACKs in order': {
    setup: { settling: 'inOrder', declares: 'each', crashes: 1 },
    finds: 'PUBACK',
  },
  'acks on completion to a broker that commits offsets': {
    setup: { settling: 'cumulative', declares: 'each', crashes: 1 },
    finds: 'early',
  },
  'acks on completion, dedupe drops copies of messages in flight': {
    setup: { declares: 'each', dedupe: 'dropped', crashes: 2, faults: { sinkCut: 0.01 } },
    finds: 'early',
  },
  'what is kept for later is settled before it is kept': {
    setup: { triesLater: true, declares: 'each', crashes: 2 },
    finds: 'early',
    edit: {
      file: 'route-run.ts',
      from: 'later.put(forLater(received, waitMs), ticket);',
      to: 'later.put(forLater(received, waitMs), { end() {} } as unknown as Ticket); ticket.end();',
    },
  },
  'dedupe knows what is not confirmed yet': {
    setup: { declares: 'each', dedupe: 'knownBefore', crashes: 2, faults: { sinkCut: 0.01 } },
    finds: 'early',
  },
  'after a lost link the whole window at once': {
    setup: { hasKiller: true },
    finds: 'stuck',
    edit: { file: 'outbox.ts', from: 'this.#writes = 0;\n    this.#limit = 1;', to: 'return;' },
  },
  'what has a dead letter is dropped instead': {
    setup: { hasRules: true, hasKiller: true },
    finds: 'early',
    edit: { file: 'route-run.ts', from: "if (way === 'drop') {", to: "if (way !== 'stop') {" },
  },
  'acks are not fenced by link': { setup: { isUnfenced: true }, finds: 'early' },
  'the source is opened while the sink is down': {
    setup: { window: 64, prefetch: 4, ackTimeoutMs: 200, deliveryLimit: 5, longOutageMs: 4000 },
    finds: 'lost',
    edit: { file: 'pump.ts', from: 'this.outboxes.every((box) => box.isOpen)', to: 'true' },
  },
  'a batch is acked when it is read': {
    setup: { crashes: 1 },
    finds: 'early',
    edit: { file: 'pump.ts', from: 'this.#open.add(ticket);', to: 'this.#open.add(ticket); batch.ack();' },
  },
  'batches are posted as their waiting ends': {
    setup: { ...laneStorm, keepsOrder: true, waits: true },
    finds: 'order',
    edit: { file: 'pump.ts', from: 'if (waiting) await waiting;', to: 'void waiting;' },
  },
  'a batch is acked while a step still waits': {
    setup: { waits: true, declares: 'each', crashes: 1 },
    finds: 'early',
    edit: { file: 'pump.ts', from: 'return this.#wait(ticket', to: 'return ticket.end(), this.#wait(ticket' },
  },
  'what still waits when the pump closes is settled': {
    setup: { waits: true, declares: 'each', drains: 2 },
    finds: 'early',
    edit: {
      file: 'waiting.ts',
      from: 'await bell.until(() => isOver || closing.aborted);',
      to: 'await bell.until(() => isOver || closing.aborted); if (!isOver) effects.ended();',
    },
  },
  'a lost link counts as confirmed': {
    setup: { declares: 'each', faults: { sinkCut: 0.05 } },
    finds: 'early',
    edit: {
      file: 'outbox.ts',
      from: 'const unknown = this.#queue.rewind();',
      to: 'const unknown = this.#queue.rewind(); for (const item of unknown) this.#confirmed(item, 0); if (unknown.length > 0) return;',
    },
  },
  'a dead letter is settled before its destination has confirmed it': {
    setup: { declares: 'each', crashes: 1 },
    finds: 'early',
    edit: {
      file: 'route-run.ts',
      from: 'box.put(own, ticket);',
      to: 'ticket.end(); ticket.begin(1); box.put(own, ticket);',
    },
  },
  'what is under way is written down when it has ended': {
    setup: { quarantine: true, hasDeadly: true },
    finds: 'stuck',
    edit: { file: 'gate.ts', from: 'await this.#o.save();\n    void clock', to: 'void clock' },
  },
  'care ends while the record still names somebody': {
    setup: { quarantine: true, hasDeadly: true, settling: 'cumulative' },
    finds: 'quarantined',
    edit: { file: 'gate.ts', from: 'await this.#o.save();\n    this.open();', to: 'this.open();' },
  },
  'suspects are handled at the same time': {
    setup: { quarantine: true, hasDeadly: true, isBuffered: true },
    finds: 'quarantined',
    edit: { file: 'gate.ts', from: 'Math.max(...stops) >= after - 1', to: 'false' },
  },
  'what has ended well stays a suspect': {
    setup: alike,
    finds: 'quarantined',
    edit: {
      file: 'gate.ts',
      from: 'this.#clear(group.ids);\n    this.#pass(group);\n  }\n\n  #outlived',
      to: 'this.#pass(group);\n  }\n\n  #outlived',
    },
  },
  'the queue of a tap has no bound': {
    setup: { isTapped: true },
    finds: 'tap',
    edit: { file: 'tap.ts', from: 'if (this.waiting >= limit.messages) return full;', to: '' },
  },
  'a route waits for the end of its tap': {
    setup: { isTapped: true, drains: 1 },
    finds: 'tap',
    edit: { file: 'tap.ts', from: 'clock.sleep(closeMs,', to: 'clock.sleep(1e9,' },
  },
  'what a tap throws reaches the route': {
    setup: { isTapped: true },
    finds: 'tap',
    edit: { file: 'tap.ts', from: 'return describeError(error);', to: 'throw error;' },
  },
  'what an ill sink refuses costs an attempt': {
    setup: ill,
    finds: 'given up',
    edit: { file: 'outbox.ts', from: 'if (!isHeld) item.attempts++;', to: 'item.attempts++;' },
  },
  'an open breaker does not rest': {
    setup: ill,
    finds: 'breaker',
    edit: { file: 'outbox.ts', from: 'if (!breaker.mayTry || this.sent > 0) return [];', to: '' },
  },
  'what was refused by an ill sink is forgotten when it is well': {
    setup: ill,
    finds: 'stuck',
    edit: { file: 'outbox.ts', from: 'if (this.#held.length > 0 && this.#breaker?.isClosed) this.#releaseHeld();', to: '' },
  },
  'a replay starts with the newest message': {
    setup: { ...laneStorm, keepsOrder: true, faults: { sinkCut: 0.05 } },
    finds: 'order',
    edit: {
      file: 'send-queue.ts',
      from: 'rewind(): Item[] {\n    this.#from = this.#head;',
      to: 'rewind(): Item[] {\n    this.#items = this.#items.slice(this.#head).reverse();\n    this.#from = this.#head = 0;',
    },
  },
};
