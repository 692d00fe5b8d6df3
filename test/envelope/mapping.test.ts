import { describe, expect, test } from 'vitest';
import { type Message, propertyNames } from '../../src/connector.ts';
import { describe as described, type Fate, fatesOf, type Speaker } from '../../src/envelope/fates.ts';
import { mappingPage } from '../../src/envelope/mapping.ts';
import { hop } from '../roundtrip/trip.ts';
import { type Wire, wires } from '../roundtrip/wires.ts';

/** The wires are the connectors' own code, so this is what the table says against what they do. */
const all = Object.values(wires);
const speaker = ({ name, source, sink }: Wire): Speaker => ({ title: name, source, sink });
const pairs = all.flatMap((from) => all.map((to) => ({ from, to, name: `${from.name} → ${to.name}` })));
const now = Date.now();

/** As read of the bytes that the connector has made. */
function sent(fate: Fate, to: Wire): Message {
  return to.read(to.write(fate.written as Message));
}

describe('the mapping table says what the connectors do', () => {
  test.each(pairs)('$name: where everything arrives', ({ from, to }) => {
    for (const fate of fatesOf(speaker(from), speaker(to), now)) {
      if (fate.written === undefined) continue;
      const there = sent(fate, to);
      for (const { slot, header, value } of fate.places) {
        if (slot === undefined)
          expect([fate.what, there.headers.map(([name, one]) => `${name}: ${one}`)]).toEqual([
            fate.what,
            expect.arrayContaining([`${header}: ${value}`]),
          ]);
        else expect([fate.what, slot, isInSlot(there, to, slot)]).toEqual([fate.what, slot, true]);
      }
      // A place that the table does not name is none.
      if (fate.places.every(({ slot }) => slot === undefined)) expect([fate.what, newSlots(fate, there, to)]).toEqual([fate.what, []]);
    }
  });

  test.each(pairs)('$name: what comes back', ({ from, to }) => {
    for (const fate of fatesOf(speaker(from), speaker(to), now)) {
      if (fate.written === undefined) continue;
      const back = hop(sent(fate, to).asReceived(), to, from, true);
      expect([fate.what, contentOf(back, from, to)]).toEqual([fate.what, contentOf(from.read(from.write(fate.back as Message)), from, to)]);
    }
  });

  test('what is refused is refused by the envelope, and nothing else is refused by a connector', () => {
    for (const { from, to } of pairs)
      for (const { what, written } of fatesOf(speaker(from), speaker(to), now))
        expect([from.name, to.name, what, written === undefined]).toEqual([
          from.name,
          to.name,
          what,
          to === wires.mqtt311 && !what.startsWith('persistent'),
        ]);
  });
});

function isInSlot(there: Message, to: Wire, slot: string): boolean {
  if (slot === 'key') return there.key !== null;
  if (slot === 'no body') return there.body === null;
  const name = propertyNames.find((one) => to.sink.slots?.[one]?.name === slot);
  // ActiveMQ obeys the group, and does not deliver it.
  return name !== undefined && (there[name] !== undefined || (to === wires.stomp && name === 'group'));
}

/** Properties that are there, and neither in the sample nor given to every message. */
function newSlots({ sample }: Fate, there: Message, to: Wire): string[] {
  return propertyNames.filter((name) => there[name] !== undefined && sample[name] !== undefined && to.source.fills?.[name] === undefined);
}

/** Times that count down, and what a broker fills in, aside. */
function contentOf(message: Message, ...{ 0: from, 1: to }: readonly Wire[]): unknown {
  const filled = (name: string) => name === 'expiresAt' || [from, to].some((wire) => Object.hasOwn(wire?.source.fills ?? {}, name));
  const properties = propertyNames.filter((name) => !filled(name)).map((name) => [name, described(message[name] ?? null)]);
  const headers = message.headers
    .filter(([name]) => !/^mqf-(hops|types|timestamp-ms|persistent)$/.test(name))
    .map(([name, value]) => [name, described(value)]);
  return { properties, headers: headers.toSorted(), body: described(message.body), key: described(message.key) };
}

test('the page has a section for each protocol and for each pair, and no cell is broken', () => {
  const page = mappingPage([speaker(wires.rabbitmq), speaker(wires.kafka)], [speaker(wires.rabbitmq), speaker(wires.kafka)], now);
  expect([...page.matchAll(/^### (.*)$/gm)].map(([, title]) => title)).toEqual([
    ...['rabbitmq', 'kafka', 'rabbitmq → rabbitmq', 'rabbitmq → kafka', 'kafka → rabbitmq', 'kafka → kafka'],
  ]);
  const tables = page.split('\n').filter((line) => line.startsWith('|'));
  for (const line of tables) expect(line.replaceAll('\\|', '').split('|').length).toBeGreaterThan(3);
  expect(page).not.toMatch(/undefined|\[object|NaN/);
  expect(page).toContain('| id | header `mqf-message-id`: `order-1` | refused | gone | the same |');
});
