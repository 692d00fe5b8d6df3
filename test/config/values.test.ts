import { describe, expect, test } from 'vitest';
import {
  NotAValue,
  parseDuration,
  parseDurationRange,
  parseExact,
  parsePlain,
  parseRate,
  parseSize,
  parseWhole,
  parseYesNo,
  rateText,
} from '../../src/config/values.ts';

describe('a size', () => {
  test.each([
    ['512', 512],
    ['0', 0],
    ['64KiB', 65_536],
    ['16MiB', 16_777_216],
    ['16 MiB', 16_777_216],
    ['1GB', 1e9],
    ['1kB', 1000],
    ['1.5GiB', 1_610_612_736],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each([
    ['16mib', 'write 16MiB'],
    ['16M', 'write 16MB'],
    ['-1', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['0x10', undefined],
  ])('%s is refused', (text, hint) => expect(() => parseSize(text)).toThrow(expect.objectContaining({ hint })));
});

describe('a rate', () => {
  test.each([
    ['100/s', 100, 1000],
    ['6000/min', 6000, 60_000],
    ['10/h', 10, 3_600_000],
    ['1/d', 1, 86_400_000],
  ])('%s is %i in %i ms, and is written like this', (text, count, perMs) => {
    expect(parseRate(text)).toEqual({ count, perMs });
    expect(rateText({ count, perMs })).toBe(text);
  });

  test('may have spaces', () => expect(parseRate('100 / s')).toEqual({ count: 100, perMs: 1000 }));

  test.each([
    ['100', 'write 100/s'],
    ['5/m', 'write 5/min'],
    ['5/minute', 'write 5/min'],
    ['0/s', 'for less write it by the minute, hour or day'],
    ['1.5/s', undefined],
    ['-1/s', undefined],
    ['1/w', undefined],
    ['/s', undefined],
    ['1000000001/s', undefined],
    ['', undefined],
  ])('%s is refused', (text, hint) => expect(() => parseRate(text)).toThrow(expect.objectContaining({ hint })));
});

describe('a time', () => {
  test.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['0', 0],
  ])('%s is %i ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test('without a unit is refused, and the text offers two', () => {
    expect(() => parseDuration('30')).toThrow(expect.objectContaining({ hint: 'write 30s or 30ms' }));
  });

  test.each(['1w', 's', '1s 2s', '-5s', '1_000ms'])('%s is refused', (text) => expect(() => parseDuration(text)).toThrow(NotAValue));

  test('range is written with two dots, the shorter first', () => {
    expect(parseDurationRange('1s..30s')).toEqual({ fromMs: 1000, toMs: 30_000 });
    expect(parseDurationRange('5s')).toEqual({ fromMs: 5000, toMs: 5000 });
    expect(() => parseDurationRange('30s..1s')).toThrow(NotAValue);
    expect(() => parseDurationRange('1s..2s..3s')).toThrow(NotAValue);
    expect(() => parseDurationRange('1s..')).toThrow(NotAValue);
  });
});

test('a whole number has only digits and keeps within its bounds', () => {
  expect(parseWhole('0256', 0, 1000)).toBe(256);
  for (const text of ['0x10', '1e3', '1.0', '', '1_000', '99999999999999999999', '1001', '-1']) {
    expect(() => parseWhole(text, 0, 1000)).toThrow(NotAValue);
  }
});

test('yes and on are not true, and the text says what to write', () => {
  expect(parseYesNo('true')).toBe(true);
  expect(() => parseYesNo('on')).toThrow(expect.objectContaining({ hint: 'write true' }));
  expect(() => parseYesNo('No')).toThrow(expect.objectContaining({ hint: 'write false' }));
});

test.each([
  ['5', 5, 5],
  ['true', true, true],
  ['1.5', 1.5, 1.5],
  ['9007199254740993', 9007199254740993n, 9007199254740993n],
  ['1.0', 1, '1.0'],
  ['1e3', 1000, '1e3'],
  ['007', '007', '007'],
  ['0x1F', '0x1F', '0x1F'],
  ['+49170', '+49170', '+49170'],
  ['yes', 'yes', 'yes'],
  ['-0', -0, '-0'],
])('a plain %s may be any value: %s, and exactly so: %s', (text, plain, exact) => {
  expect(parsePlain(text)).toBe(plain);
  expect(parseExact(text)).toBe(exact);
});
