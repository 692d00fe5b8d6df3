import { describe, expect, test } from 'vitest';
import { murmur2, partitionOf } from '../../../connectors/kafka/partitioner.ts';

describe('the partition of a key', () => {
  // From Kafka's own UtilsTest.
  const known: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];

  test.each(known)('hashes %s as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  test('a negative hash loses its sign bit, as in Java, and is not made unsigned', () => {
    // -973932308 & 0x7fffffff = 1173551340; as unsigned it would be 3321034988, of another partition among 7.
    expect(partitionOf(Buffer.from('21'), 7)).toBe(1173551340 % 7);
    expect(1173551340 % 7).not.toBe(3321034988 % 7);
  });

  test('an empty key is a key', () => {
    expect(partitionOf(Buffer.alloc(0), 1)).toBe(0);
    expect(partitionOf(Buffer.alloc(0), 8)).toBeLessThan(8);
  });
});
