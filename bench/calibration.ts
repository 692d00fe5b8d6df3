/** How fast a core of this machine is, today, at what a router does: figures of two machines can only be compared beside it. */

const messages = 20_000;
const rounds = 10;

/** CPU microseconds for one turn of a fixed piece of work: parse 200 bytes of JSON, write them again, copy 1 KiB out of cold memory. */
export function calibrate(): number {
  const texts = Array.from({ length: messages }, (_, i) =>
    JSON.stringify({ id: i, site: `berlin-${i}`, values: [i, 2, 3], note: 'x'.repeat(i % 200) }),
  );
  const cold = Buffer.alloc(64 * 1024 * 1024, 1);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    let kept: unknown[] = [];
    for (let i = 0; i < messages; i++) {
      const value = JSON.parse(texts[i] as string) as object;
      const at = (Math.imul(i, 0x9e3779b1) >>> 0) % (cold.length - 1024);
      kept.push({ text: JSON.stringify(value), body: Buffer.from(cold.subarray(at, at + 1024)) });
      if (kept.length > 1000) kept = [];
    }
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / messages);
  }
  return best;
}
