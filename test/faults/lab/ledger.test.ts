import { describe, expect, test } from 'vitest';
import { cellsOf, faultNames, pairOf } from './cells.ts';
import { Ledger, parcels } from './ledger.ts';
import type { Arrival, Parcel } from './subject.ts';

/** As mqferry delivers it, from a source without places of its own. */
function arrival({ body, headers }: Parcel, changes: Partial<Arrival> = {}, extra: Readonly<Record<string, string>> = {}): Arrival {
  const all = new Map([...headers, ['mqf-hops', '1'], ...Object.entries(extra)] as [string, string][]);
  return { body, names: [...all.keys()], header: (name) => all.get(name), ...changes };
}

function filled(count: number, lanes = 1) {
  const ledger = new Ledger('none', lanes);
  const all = [...parcels(count)];
  ledger.sending(all);
  ledger.confirmed(all);
  return { ledger, all };
}

const clean = { sent: 10, arrived: 10, lost: 0, phantom: 0, corrupt: 0, duplicated: 0, reordered: 0 };

describe('the ledger', () => {
  test('finds nothing where all has come as it was sent', () => {
    const { ledger, all } = filled(10);
    for (const parcel of all) ledger.arrived(arrival(parcel));
    expect(ledger.counts).toEqual(clean);
    expect(ledger.wrongHeaders).toEqual([]);
  });

  test('finds what is missing, but not what was never confirmed', () => {
    const { ledger, all } = filled(10);
    ledger.sending([{ ...(all[0] as Parcel), n: 99 }]);
    for (const parcel of all.slice(0, 8)) ledger.arrived(arrival(parcel));
    expect(ledger.counts).toEqual({ ...clean, arrived: 8, lost: 2 });
  });

  test('finds what nobody has sent, what was changed, and what came twice', () => {
    const { ledger, all } = filled(10);
    for (const parcel of all) ledger.arrived(arrival(parcel));
    ledger.arrived(arrival({ ...(all[0] as Parcel), headers: [['x-n', '77']] }));
    ledger.arrived(arrival(all[1] as Parcel, { body: Buffer.from('other') }));
    expect(ledger.counts).toEqual({ ...clean, phantom: 1, corrupt: 1, duplicated: 1 });
  });

  test('finds what has changed places, within a lane', () => {
    const order = [0, 1, 3, 2, 4, 5, 6, 8, 7, 9];
    const one = filled(10);
    for (const n of order) one.ledger.arrived(arrival(one.all[n] as Parcel));
    expect(one.ledger.counts.reordered).toBe(2);
    const two = filled(10, 2);
    for (const n of order) two.ledger.arrived(arrival(two.all[n] as Parcel));
    expect(two.ledger.counts.reordered, 'they are neighbours in two lanes').toBe(0);
  });

  test('finds copies that go back, only where they come for the first time', () => {
    const { ledger, all } = filled(10);
    for (const n of [0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) ledger.arrived(arrival(all[n] as Parcel));
    expect(ledger.counts).toEqual({ ...clean, duplicated: 3 });
  });

  test('finds headers that mqferry should not have written', () => {
    const { ledger, all } = filled(1);
    ledger.arrived(arrival(all[0] as Parcel, {}, { 'mqf-hops': '2', 'mqf-id': 'x', 'mqf-other': 'y' }));
    expect(ledger.wrongHeaders.map((wrong) => wrong.split(',')[0])).toEqual([
      'a header mqf-other that nobody declared',
      'mqf-hops is not 1',
      'an mqf-id that nobody declared',
    ]);
  });

  test('knows by their bodies what a peer carries without headers', () => {
    const all = [...parcels(10)];
    const ledger = new Ledger(undefined);
    ledger.sending(all);
    ledger.confirmed(all);
    for (const { body } of all.slice(1)) ledger.arrived({ body, names: [], header: () => undefined });
    expect(ledger.counts).toMatchObject({ arrived: 9, lost: 1, phantom: 0, corrupt: 0 });
  });
});

describe('twenty samples of cells', () => {
  const samples = Array.from({ length: 20 }, (_, seed) => cellsOf('ci', seed * 7919 + 1));

  test('have each fault and each pair in each of them', () => {
    for (const cells of samples) {
      expect(new Set(cells.map(({ fault }) => fault))).toEqual(new Set([...faultNames, 'withheld']));
      expect(new Set(cells.map(pairOf)).size).toBe(16);
    }
  });

  test('reach nearly all cells together, and are a third of them at most', () => {
    const names = (cells: (typeof samples)[number]) => cells.map((cell) => `${pairOf(cell)} ${cell.fault} ${cell.isBuffered}`);
    const all = new Set(names(cellsOf('all', 1)));
    const reached = new Set(samples.flatMap(names));
    expect(reached.size / all.size).toBeGreaterThan(0.97);
    for (const cells of samples) expect(cells.length).toBeLessThan(all.size / 3);
  });

  test('are the same for the same seed', () => {
    expect(cellsOf('ci', 5)).toEqual(cellsOf('ci', 5));
    expect(cellsOf('ci', 5)).not.toEqual(cellsOf('ci', 6));
  });
});
