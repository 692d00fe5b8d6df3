import { expect, test } from 'vitest';
import { KeyTable } from '../../../src/buffer/keys/key-table.ts';
import { keyOf } from '../../../src/buffer/keys/keys.ts';
import { randomOf } from '../sim-fs.ts';

test('has what was added, until its epoch is forgotten, through more epochs than there are tags', () => {
  const random = randomOf(7);
  const table = new KeyTable();
  const model = new Map<string, number>();
  for (let epoch = 0; epoch < 700; epoch++) {
    table.begin(epoch);
    const forgotten = epoch - 12;
    if (forgotten >= 0) table.forget(forgotten);
    for (const [key, of] of model) if (of === forgotten) model.delete(key);
    for (let i = 0; i < 60; i++) {
      const key = keyOf(String(Math.floor(random() * 5000)));
      expect(table.add(key, epoch)).toBe(!model.has(key));
      if (!model.has(key)) model.set(key, epoch);
    }
    if (epoch % 50 === 49) for (let i = 0; i < 5000; i++) expect(table.has(keyOf(String(i)))).toBe(model.has(keyOf(String(i))));
  }
});

test('tells apart keys that begin alike', () => {
  const table = new KeyTable();
  table.begin(0);
  const keys = Array.from({ length: 200 }, (_, i) => `${'\u00ff'.repeat(15)}${String.fromCharCode(i)}`);
  for (const key of keys.slice(0, 100)) expect(table.add(key, 0)).toBe(true);
  expect(keys.map((key) => table.has(key))).toEqual(keys.map((_, i) => i < 100));
});

test('has all of a hundred thousand, and none of another', () => {
  const table = new KeyTable();
  table.begin(0);
  const keys = Array.from({ length: 200_000 }, (_, i) => keyOf(String(i)));
  for (const key of keys.slice(0, 100_000)) table.add(key, 0);
  expect(keys.findIndex((key) => !table.has(key))).toBe(100_000);
  expect(keys.slice(100_000).some((key) => table.has(key))).toBe(false);
});
