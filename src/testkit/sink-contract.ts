import assert from 'node:assert/strict';
import type { Message, Properties, Sink, SinkCan, SinkEnd } from '../connector.ts';
import { caseOf, type Kit, until, within } from './kit.ts';
import { assertHeaders, headerSets, hostileBodies, isSameProperty, messageWith, numbered, propertiesOf, texts } from './messages.ts';

/** A destination of its own for one test, empty, and the sink that writes to it. */
export interface SinkArena {
  readonly end: SinkEnd;
  /** Takes the next `count` messages from the destination; waits for them. */
  drain(count: number): Promise<readonly Message[]>;
  /** Cuts the sink's links, for good where its client would mend them by itself. Offered when the subject says so. */
  cutLinks?(): Promise<void>;
  /** Links work again. */
  mendLinks?(): Promise<void>;
  /** Withholds what the broker says to the sink, or lets it through again. Offered when the subject says so. */
  holdConfirms?(isHeld: boolean): Promise<void>;
  /** A message that the broker will not take. Offered when the subject says so. */
  readonly refused?: Message;
  /** The same sink with a wrong password. Offered when the subject says so. */
  readonly badCredentials?: SinkEnd;
  dispose(): Promise<void>;
}

/** What is tested. */
export interface SinkSubject {
  readonly name: string;
  readonly can: SinkCan;
  readonly offers?: readonly ('cutLinks' | 'holdConfirms' | 'refused' | 'badCredentials')[];
  /** Cases that the broker, not the connector, makes impossible: by the name of the header set, body or property, with the reason. */
  readonly lacks?: Readonly<Record<string, string>>;
  /** Values of properties that the broker understands, where it does not take the suite's. */
  readonly values?: Partial<Properties>;
  open(): Promise<SinkArena>;
}

/** Declares the tests of a sink. */
export function sinkContract(kit: Kit, subject: SinkSubject): void {
  kit.describe(`the sink contract: ${subject.name}`, () => {
    opening(kit, subject);
    writing(kit, subject);
    confirming(kit, subject);
    losing(kit, subject);
    carrying(kit, subject);
  });
}

const limitMs = 30_000;

async function withSink(end: SinkEnd, use: (sink: Sink) => Promise<void>): Promise<void> {
  const sink = await within('the sink opens', limitMs, end.open(new AbortController().signal));
  try {
    await use(sink);
  } finally {
    await within('the sink closes', limitMs, sink.close());
  }
}

async function inArena(subject: SinkSubject, use: (arena: SinkArena, sink: Sink) => Promise<void>): Promise<void> {
  const arena = await subject.open();
  try {
    await withSink(arena.end, (sink) => use(arena, sink));
  } finally {
    await arena.dispose();
  }
}

/** Nothing refused. */
async function written(writing: ReturnType<Sink['write']>): Promise<void> {
  assert.deepEqual(await within('the write is confirmed', limitMs, writing), []);
}

/** Cut to what one write may hold. */
function portions(can: SinkCan, messages: readonly Message[], most: number): Message[][] {
  const count = Math.min(most, can.maxWrite.messages);
  return Array.from({ length: Math.ceil(messages.length / count) }, (_, i) => messages.slice(i * count, (i + 1) * count));
}

function opening(kit: Kit, subject: SinkSubject): void {
  const test = caseOf(kit);

  test('opens, closes, closes again, and opens anew', () =>
    inArena(subject, async (arena, sink) => {
      await written(sink.write(numbered(1, 'a')));
      await sink.close();
      await sink.close();
      await withSink(arena.end, (next) => written(next.write(numbered(1, 'b'))));
      assert.deepEqual(texts(await arena.drain(2)), ['a0', 'b0']);
    }));

  test('a write after close throws NOT_CONNECTED', () =>
    inArena(subject, async (_, sink) => {
      await sink.close();
      await assert.rejects(sink.write(numbered(1)), { code: 'NOT_CONNECTED' });
    }));

  test(
    'says AUTH to a wrong password',
    () =>
      inArena(subject, async ({ badCredentials }) => {
        await assert.rejects(
          withSink(badCredentials as SinkEnd, async () => undefined),
          { code: 'AUTH' },
        );
      }),
    !subject.offers?.includes('badCredentials') && 'no credentials',
  );
}

function writing(kit: Kit, subject: SinkSubject): void {
  const test = caseOf(kit);

  test('writes 1,000 messages in order', () =>
    inArena(subject, async ({ drain }, sink) => {
      const sent = numbered(1000);
      for (const portion of portions(subject.can, sent, 100)) await written(sink.write(portion));
      assert.deepEqual(texts(await drain(1000)), texts(sent));
    }));

  test(
    'writes that do not wait for each other reach the broker in call order',
    () =>
      inArena(subject, async ({ drain }, sink) => {
        const sent = numbered(1000);
        await Promise.all(portions(subject.can, sent, 7).map((portion) => written(sink.write(portion))));
        assert.deepEqual(texts(await drain(1000)), texts(sent));
      }),
    subject.can.writes === 1 && 'one write at a time',
  );
}

function confirming(kit: Kit, subject: SinkSubject): void {
  const test = caseOf(kit);
  const { offers = [], can } = subject;
  const noHold = !offers.includes('holdConfirms') && 'nothing to withhold';

  test(
    'a write ends only when the broker has confirmed',
    () =>
      inArena(subject, async ({ holdConfirms, drain }, sink) => {
        await written(sink.write(numbered(1, 'first'))); // some clients ask the broker before they write for the first time
        await drain(1);
        await holdConfirms?.(true);
        let isConfirmed = false;
        const writing = written(sink.write(numbered(3))).then(() => {
          isConfirmed = true;
        });
        await drain(3); // the broker has them
        assert.equal(isConfirmed, false);
        await holdConfirms?.(false);
        await writing;
      }),
    noHold,
  );

  test(
    'close ends a write that waits for its confirm',
    () =>
      inArena(subject, async ({ holdConfirms }, sink) => {
        await holdConfirms?.(true);
        const thrown = assert.rejects(sink.write(numbered(1)), { code: 'NOT_CONNECTED' });
        await within('the sink closes', limitMs, sink.close());
        await within('the write has ended', limitMs, thrown);
      }),
    noHold,
  );

  test('after close every write has ended', () =>
    inArena(subject, async (_, sink) => {
      let ended = 0;
      const many = can.writes === 1 ? 1 : 20;
      const writes = Array.from({ length: many }, () =>
        sink.write(numbered(5)).then(
          () => ended++,
          assertNotConnected(() => ended++),
        ),
      );
      await within('the sink closes', limitMs, sink.close());
      await until('the ends of the writes are known', () => ended === many, 1000);
      await Promise.all(writes);
    }));

  test(
    'gives back a message that the broker refuses, and its neighbours arrive',
    () =>
      inArena(subject, async ({ refused, drain }, sink) => {
        const [first, last] = numbered(2) as [Message, Message];
        const refusals = await within('the write ends', limitMs, sink.write([first, refused as Message, last]));
        assert.deepEqual(
          refusals.map((refusal) => refusal.message === refused),
          [true],
        );
        if (can.keepsOrder !== 'none') assert.equal(refusals[0]?.retry, false);
        assert.deepEqual(texts(await drain(2)), ['m0', 'm1']);
      }),
    !offers.includes('refused') && 'nothing is refused',
  );
}

function assertNotConnected(after: () => void): (error: { code?: string }) => void {
  return (error) => {
    assert.equal(error.code, 'NOT_CONNECTED');
    after();
  };
}

function losing(kit: Kit, subject: SinkSubject): void {
  const test = caseOf(kit);
  const { offers = [] } = subject;

  test(
    'a write throws NOT_CONNECTED when the link is cut, and the next link works',
    () =>
      inArena(subject, async ({ end, cutLinks, mendLinks, holdConfirms, drain }, sink) => {
        await holdConfirms?.(true);
        const thrown = assert.rejects(sink.write(numbered(3, 'lost')), { code: 'NOT_CONNECTED' });
        await cutLinks?.();
        await holdConfirms?.(false);
        await within('the write has ended', 2 * limitMs, thrown);
        await mendLinks?.();
        await withSink(end, (next) => written(next.write(numbered(1, 'after'))));
        for (let got = ''; got !== 'after0'; ) got = texts(await drain(1))[0] ?? '';
      }),
    !(offers.includes('cutLinks') && offers.includes('holdConfirms')) && 'no link to cut',
  );
}

function carrying(kit: Kit, subject: SinkSubject): void {
  const test = caseOf(kit);
  const { carries } = subject.can;
  const lacks = subject.lacks ?? {};
  const roundTrip = (message: Message, look: (got: Message) => void) => () =>
    inArena(subject, async ({ drain }, sink) => {
      await written(sink.write([message]));
      look((await drain(1))[0] as Message);
    });

  for (const [name, body] of hostileBodies(carries)) {
    test(
      `writes the body bit by bit: ${name}`,
      roundTrip(messageWith({ body }), (got) => assert.ok(got.body?.equals(body), `${got.body?.length} bytes, and not the same`)),
      lacks[name],
    );
  }
  for (const [name, headers] of headerSets(carries)) {
    test(
      `writes headers: ${name}`,
      roundTrip(messageWith({ headers }), (got) => assertHeaders(got, headers)),
      lacks[name],
    );
  }
  for (const [name, value] of Object.entries(propertiesOf(carries, subject.values)) as ['id', string][]) {
    test(
      `writes the property ${name}`,
      roundTrip(messageWith({ [name]: value }), (got) => assert.ok(isSameProperty(name, value, got[name]), `${got[name]} for ${value}`)),
      lacks[name],
    );
  }
  test(
    'writes keys and tombstones',
    roundTrip(messageWith({ key: Buffer.from([0, 0xff]), body: null }), (got) =>
      assert.deepEqual([got.key, got.body], [Buffer.from([0, 0xff]), null]),
    ),
    !carries.key && 'no keys',
  );
}
