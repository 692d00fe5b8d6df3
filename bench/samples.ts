/** The CPU that a long run has taken, by how far it had come. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from './processes.ts';

const part = 0.1;

export interface Sample {
  readonly count: number;
  readonly cpu: number;
}

interface Books {
  readonly buffered: number;
  readonly delivered: number;
}

/** Of the route `bench`. */
export async function booksOf(adminPort: number): Promise<Books> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/routes/bench`).catch(() => undefined);
  if (!answer?.ok) return { buffered: 0, delivered: 0 }; // it is still starting
  return ((await answer.json()) as { books: Books }).books;
}

/** CPU by count, until all have arrived. */
export async function follow(pid: number, gone: Promise<void>, messages: number, count: () => Promise<number>): Promise<Sample[]> {
  const samples: Sample[] = [];
  let isGone = false;
  const watch = gone.finally(() => {
    isGone = true;
  });
  watch.catch(() => {}); // awaited when it counts
  for (let last = 0; last < messages; await sleep(100)) {
    const cpu = cpuSeconds([pid]);
    last = await count();
    if (last > 0) samples.push({ count: last, cpu });
    if (isGone && last < messages) {
      await gone;
      throw new Error(`it ended with ${last} of ${messages} there`);
    }
  }
  return samples;
}

/** What a message costs in the last tenth against the first. */
export function tenths(samples: readonly Sample[], messages: number): number {
  const tenth = messages * part;
  const begin = (samples[0] as Sample).count;
  const first = cpuAt(samples, begin + tenth) - cpuAt(samples, begin);
  const last = cpuAt(samples, messages) - cpuAt(samples, messages - tenth);
  return last / first;
}

/** In a straight line between two samples. */
export function cpuAt(samples: readonly Sample[], count: number): number {
  const i = Math.max(
    1,
    samples.findIndex((sample) => sample.count >= count),
  );
  const [before, after] = [samples[i - 1], samples[i]] as [Sample, Sample];
  return before.cpu + ((after.cpu - before.cpu) * (count - before.count)) / Math.max(1, after.count - before.count);
}
