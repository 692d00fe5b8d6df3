/** A header is data: whatever its name is, the broker does with its message what it does with any other. */
import { expect } from 'vitest';
import { Message, MqferryError, propertyNames, type Source } from '../../src/connector.ts';
import { inbound, outbound } from '../../src/envelope.ts';
import { allHostileNames } from './names.ts';
import { type Site, sinkAt, sourceAt } from './sites.ts';

const victim = 'victim';
const harmless = 'harmless';
const never = new AbortController().signal;

/** Every name arrives once, is no order, and comes back under its name. */
export async function expectNoOrders(site: Site): Promise<void> {
  const place = `reserved-${site.name.toLowerCase()}`;
  for (const one of [place, victim]) await site.prepare(one);
  const source = await sourceAt(site, place).open(never);
  const aside = await sourceAt(site, victim).open(never);
  const sent = letters();
  await write(site, place, sent);
  const got = await read(source, sent.length, 10_000);
  expect(got.map(({ body }) => String(body)).toSorted()).toEqual(sent.map(({ body }) => String(body)).toSorted());
  // One more would have come by now; what a header ordered elsewhere, too.
  expect((await read(source, 1, 500)).map(({ body }) => String(body))).toEqual([]);
  expect((await read(aside, 1, 500)).map(({ body }) => String(body))).toEqual([]);

  const open = inbound(true, site.source);
  const ordinary = treatment(got.find(({ body }) => String(body) === `${harmless} victim`) as Message);
  for (const message of got) {
    const [header, value] = String(message.body).split(' ') as [string, string];
    expect([header, treatment(message)]).toEqual([header, ordinary]);
    expect([header, treatment(open(message))]).toEqual([header, ordinary]);
    const values = open(message).headers.filter(([one]) => one === header);
    expect([header, values.map(([, one]) => String(one))]).toEqual([header, [value]]);
  }
  await source.close();
  await aside.close();
}

/** As they come from Kafka, which has no reserved names: where a message should go, in the words of each broker. */
function letters(): Message[] {
  return [harmless, ...allHostileNames].flatMap((name) =>
    ['victim', '/queue/victim'].map(
      (value) =>
        new Message({ body: Buffer.from(`${name} ${value}`), headers: [[name, Buffer.from(value)]], timestamp: 1_700_000_000_000 }),
    ),
  );
}

async function read(source: Source, count: number, limitMs: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const batch = await source.read({ messages: 1000, bytes: 16 * 1024 * 1024 }, AbortSignal.timeout(limitMs));
    if (batch === null) break;
    messages.push(...batch.messages);
    batch.ack();
  }
  return messages;
}

async function write(site: Site, place: string, messages: readonly Message[]): Promise<void> {
  const sink = await sinkAt(site, place).open(never);
  const out = messages.map((message) => outbound(site.sink, 'envelope')(message));
  expect(out.filter((one) => one instanceof MqferryError)).toEqual([]);
  expect(await sink.write(out as Message[])).toEqual([]);
  await sink.close();
}

/** All but what differs from message to message. */
function treatment({ id: _id, timestamp: _timestamp, ...message }: Message): unknown {
  return propertyNames.filter((name) => name !== 'id' && name !== 'timestamp').map((name) => [name, message[name as 'type']]);
}
