import type { EndOf, Misfit } from '../../src/connector.ts';

interface Settings {
  readonly queue: string;
  readonly store: 'memory' | 'disk';
  readonly readers: 'one' | 'many';
  readonly maxBytes?: number | undefined;
  readonly maxMessages?: number | undefined;
}

type End = EndOf<Settings>;

/** All ends that name a queue must mean the same one; a queue on disk has one reader, unless it is for many, and one limit of each kind. */
export function misfits(ends: readonly End[]): Misfit[] {
  const found: Misfit[] = [];
  for (const queue of Map.groupBy(ends, (end) => end.config.queue).values()) {
    const [first, ...rest] = queue as [End, ...End[]];
    for (const end of rest) {
      const { store } = end.config;
      if (store === first.config.store) continue;
      const [here, there] = store === 'disk' ? ['on disk', 'in memory'] : ['in memory', 'on disk'];
      found.push({
        end,
        other: first,
        message: `the queue ${first.config.queue} is ${here} here and ${there} there: write \`store: disk\` at all its ends, or at none`,
      });
    }
    const onDisk = queue.filter((end) => end.config.store === 'disk');
    found.push(
      ...otherReaders(onDisk),
      ...secondReaders(onDisk.filter((end) => end.config.readers === 'one')),
      ...otherLimits(onDisk, 'maxBytes'),
      ...otherLimits(onDisk, 'maxMessages'),
    );
  }
  return found;
}

function otherReaders(ends: readonly End[]): Misfit[] {
  const [first, ...rest] = ends;
  if (!first) return [];
  const others = rest.filter((end) => end.config.readers !== first.config.readers);
  const message = `the queue ${first.config.queue} has many readers at one end and one at another: write \`readers: many\` at all its ends, or at none`;
  return others.map((end) => ({ end, other: first, message }));
}

function secondReaders(ends: readonly End[]): Misfit[] {
  const [first, ...rest] = ends.filter((end) => end.side === 'source');
  if (!first) return [];
  const message = `the queue ${first.config.queue} is on disk, so one route reads it, and there is another one there: write \`readers: many\` at all its ends`;
  return rest.map((end) => ({ end, other: first, message }));
}

function otherLimits(ends: readonly End[], name: 'maxBytes' | 'maxMessages'): Misfit[] {
  const [first, ...rest] = ends.filter((end) => end.config[name] !== undefined);
  if (!first) return [];
  const message = `the queue ${first.config.queue} has another ${name} here than there: write it once, or the same`;
  return rest.filter((end) => end.config[name] !== first.config[name]).map((end) => ({ end, other: first, message }));
}
