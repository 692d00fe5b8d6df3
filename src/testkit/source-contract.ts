import assert from 'node:assert/strict';
import type { Message, Room, SourceEnd } from '../connector.ts';
import { caseOf, type Kit, within } from './kit.ts';
import { assertHeaders, hostileBodies, isSameProperty, messageWith, numbered, propertiesOf, textSets, texts } from './messages.ts';
import { messagesOf, readAll, readBatch, readBatches, readUntil, room, withSource } from './reading.ts';
import type { SourceArena, SourceSubject } from './source-subject.ts';

/** Declares the tests of a source. */
export function sourceContract(kit: Kit, subject: SourceSubject): void {
  kit.describe(`the source contract: ${subject.name}`, () => {
    opening(kit, subject);
    reading(kit, subject);
    settling(kit, subject);
    placing(kit, subject);
    losing(kit, subject);
    carrying(kit, subject);
  });
}

const limitMs = 60_000;
const defaultWindow: Room = { messages: 1000, bytes: 16 * 1024 * 1024 };

async function inArena<T>(subject: SourceSubject, use: (arena: SourceArena) => Promise<T>, window = defaultWindow): Promise<T> {
  const arena = await within('the arena is open', limitMs, subject.open(window));
  const publish = (messages: readonly Message[]) => within('the messages are published', limitMs, arena.publish(messages));
  try {
    return await use({ ...arena, publish });
  } finally {
    await arena.dispose();
  }
}

function opening(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);

  test('opens, closes, closes again, and opens anew', () =>
    inArena(subject, async ({ end, publish }) => {
      for (let i = 0; i < 2; i++) {
        await withSource(end, async (source) => {
          await publish(numbered(1, `round${i}-`));
          await readUntil(source, [`round${i}-0`]);
          await source.close();
        });
      }
    }));

  test(
    'says AUTH to a wrong password',
    () =>
      inArena(subject, async ({ badCredentials }) => {
        await assert.rejects(async () => withSource(badCredentials as SourceEnd, async () => undefined), { code: 'AUTH' });
      }),
    !subject.offers?.includes('badCredentials') && 'no credentials',
  );
}

function reading(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);

  test('delivers 1,000 messages in the order they were published', () =>
    inArena(subject, ({ end, publish }) =>
      withSource(end, async (source) => {
        const sent = numbered(1000);
        await publish(sent);
        assert.deepEqual(texts(await readAll(source, 1000)), texts(sent));
      }),
    ));

  test('gives at most the messages there is room for', () =>
    inArena(subject, ({ end, publish }) =>
      withSource(end, async (source) => {
        await publish(numbered(20));
        for (let got = 0; got < 20; ) {
          const batch = await readBatch(source, { messages: 3, bytes: room.bytes });
          assert.ok(batch.messages.length >= 1 && batch.messages.length <= 3, `${batch.messages.length} messages for a room of 3`);
          got += batch.messages.length;
          batch.ack();
        }
      }),
    ));

  test('gives one message where there is room for a byte', () =>
    inArena(subject, ({ end, publish }) =>
      withSource(end, async (source) => {
        await publish(numbered(3));
        for (let i = 0; i < 3; i++) {
          const batch = await readBatch(source, { messages: 100, bytes: 1 });
          assert.deepEqual(texts(batch.messages), [`m${i}`]);
          batch.ack();
        }
      }),
    ));

  test('a read that is aborted while it waits ends with null, and loses nothing', () =>
    inArena(subject, ({ end, publish }) =>
      withSource(end, async (source) => {
        const stop = new AbortController();
        const waiting = source.read(room, stop.signal);
        stop.abort();
        assert.equal(await within('the aborted read ends', 10_000, waiting), null);
        assert.equal(await within('a read on an aborted signal ends', 10_000, source.read(room, stop.signal)), null);
        await publish(numbered(1));
        assert.deepEqual(texts(await readAll(source, 1)), ['m0']);
      }),
    ));

  const window: Room = { messages: 50, bytes: 16 * 1024 * 1024 };
  test('goes on after a full window has been acked', () =>
    inArena(
      subject,
      ({ end, publish }) =>
        withSource(end, async (source) => {
          const sent = numbered(200);
          await publish(sent);
          const got: Message[] = [];
          while (got.length < sent.length) {
            const batches = await readBatches(source, window.messages);
            got.push(...messagesOf(batches));
            for (const batch of batches) batch.ack();
          }
          assert.deepEqual(texts(got), texts(sent));
        }),
      window,
    ));
}

function settling(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);
  const { redelivers, settles } = subject.can;
  const never = redelivers === 'never' && 'it does not redeliver';

  test(
    'delivers again what was not acked, and not what was',
    () =>
      inArena(subject, async ({ end, publish, remaining }) => {
        await publish(numbered(10));
        await withSource(end, async (source) => {
          const batches = await readBatches(source, 10, 1);
          for (const batch of batches.slice(0, 4)) batch.ack();
        });
        await withSource(end, async (source) => {
          await publish(numbered(1, 'end'));
          const got = texts(await readUntil(source, ['m4', 'm5', 'm6', 'm7', 'm8', 'm9', 'end0']));
          if (redelivers === 'inOrder') assert.deepEqual(got, ['m4', 'm5', 'm6', 'm7', 'm8', 'm9', 'end0']);
          else assert.deepEqual([...got].sort(), ['end0', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
        });
        const left = await remaining?.();
        if (left !== undefined) assert.equal(left, 0);
      }),
    never,
  );

  test(
    'settles batches in any order',
    () =>
      inArena(subject, async ({ end, publish }) => {
        await publish(numbered(6));
        await withSource(end, async (source) => {
          const batches = await readBatches(source, 6, 1);
          for (const i of [5, 1, 3]) batches[i]?.ack();
        });
        await withSource(end, async (source) => {
          await publish(numbered(1, 'end'));
          assert.deepEqual(texts(await readUntil(source, ['m0', 'm2', 'm4', 'end0'])).sort(), ['end0', 'm0', 'm2', 'm4']);
        });
      }),
    never || (settles === 'inOrder' && 'it settles in order'),
  );

  test(
    'an ack after close is void',
    () =>
      inArena(subject, async ({ end, publish }) => {
        await publish(numbered(5));
        await withSource(end, async (source) => {
          const batches = await readBatches(source, 5);
          await source.close();
          for (const batch of batches) batch.ack();
        });
        await withSource(end, async (source) => assert.equal((await readUntil(source, texts(numbered(5)))).length, 5));
      }),
    never,
  );
}

function placing(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);
  const { stableIds, redelivers } = subject.can;
  const hasNone = (stableIds.length === 0 || redelivers === 'never') && 'no copy has a place of its own';
  const placeOf = ({ origin }: Message) => stableIds.map((name) => origin[name]).join('/');

  test(
    'a copy has the same place, and no other message has it',
    () =>
      inArena(subject, async ({ end, publish }) => {
        await publish(numbered(4));
        const places = async (ack: boolean) =>
          withSource(end, async (source) => {
            const batches = await readBatches(source, 4);
            if (ack) for (const batch of batches) batch.ack();
            return new Map(batches.flatMap(({ messages }) => messages).map((message) => [texts([message])[0], placeOf(message)]));
          });
        const first = await places(false);
        assert.deepEqual(await places(true), first);
        assert.equal(new Set(first.values()).size, 4);
        for (const place of first.values()) assert.match(place, /^[!-~]{1,200}$/);
      }),
    hasNone,
  );

  test(
    'the first messages of two queues have different places',
    async () => {
      const place = () =>
        inArena(subject, async ({ end, publish }) => {
          await publish(numbered(1));
          return withSource(end, async (source) => placeOf((await readAll(source, 1))[0] as Message));
        });
      assert.notEqual(await place(), await place());
    },
    hasNone,
  );
}

function losing(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);
  const uncut = !subject.offers?.includes('cutLinks') && 'no link to cut';

  test(
    'a waiting read throws NOT_CONNECTED when the link is cut',
    () =>
      inArena(subject, ({ end, cutLinks, mendLinks }) =>
        withSource(end, async (source) => {
          const waiting = source.read(room, new AbortController().signal);
          const thrown = assert.rejects(waiting, { code: 'NOT_CONNECTED' });
          await cutLinks?.();
          await within('the read has noticed', limitMs, thrown);
          await mendLinks?.();
        }),
      ),
    uncut,
  );

  test(
    'after a cut link its acks are void and the next link delivers again',
    () =>
      inArena(subject, async ({ end, publish, cutLinks, mendLinks }) => {
        await publish(numbered(10));
        await withSource(end, async (source) => {
          const batches = await readBatches(source, 10);
          const reading = assert.rejects(source.read(room, new AbortController().signal), { code: 'NOT_CONNECTED' });
          await cutLinks?.();
          await within('the read has noticed', limitMs, reading);
          await mendLinks?.();
          for (const batch of batches) batch.ack();
        });
        await withSource(end, async (source) => assert.equal((await readUntil(source, texts(numbered(10)))).length, 10));
      }),
    uncut || (subject.can.redelivers === 'never' && 'it does not redeliver'),
  );
}

function carrying(kit: Kit, subject: SourceSubject): void {
  const test = caseOf(kit);
  const { carries } = subject.can;
  const lacks = subject.lacks ?? {};
  const roundTrip = (message: Message, look: (got: Message) => void) => () =>
    inArena(subject, ({ end, publish }) =>
      withSource(end, async (source) => {
        await publish([message]);
        look((await readAll(source, 1))[0] as Message);
      }),
    );

  for (const [name, body] of hostileBodies(carries)) {
    test(
      `reads the body bit by bit: ${name}`,
      roundTrip(messageWith({ body }), (got) => assert.ok(got.body?.equals(body), `${got.body?.length} bytes, and not the same`)),
      lacks[name],
    );
  }
  for (const [name, headers] of textSets(carries)) {
    test(
      `reads headers: ${name}`,
      roundTrip(messageWith({ headers }), (got) => assertHeaders(got, headers)),
      lacks[name],
    );
  }
  for (const [name, value] of Object.entries(propertiesOf(carries, subject.values)) as [keyof typeof lacks & 'id', string][]) {
    test(
      `reads the property ${name}`,
      roundTrip(messageWith({ [name]: value }), (got) => assert.ok(isSameProperty(name, value, got[name]), `${got[name]} for ${value}`)),
      lacks[name],
    );
  }
  test(
    'reads keys and tombstones',
    roundTrip(messageWith({ key: Buffer.from([0, 0xff]), body: null }), (got) =>
      assert.deepEqual([got.key, got.body], [Buffer.from([0, 0xff]), null]),
    ),
    !carries.key && 'no keys',
  );
}
