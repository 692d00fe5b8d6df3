import { distance } from 'fastest-levenshtein';

/** `did you mean "brokers"?`, or nothing when no name is near. */
export function didYouMean(written: string, names: Iterable<string>): string | undefined {
  const near = nearest(written, names);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

/** The name that was probably meant. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  if (written.length > 64) return undefined;
  let best: string | undefined;
  // Of a word of four letters, two others are half of it.
  let bestDistance = (written.length < 5 ? 1 : Math.max(2, Math.floor(written.length / 3))) + 1;
  for (const name of names) {
    const apart = apartFrom(written, name);
    if (apart >= bestDistance || apart >= name.length) continue;
    best = name;
    bestDistance = apart;
  }
  return best;
}

function apartFrom(written: string, name: string): number {
  const [lower, right] = [written.toLowerCase(), name.toLowerCase()];
  if (lower === right) return 0;
  const isBeginning = lower.length > 2 && right.startsWith(lower);
  const isMixedUp = lower.length === right.length && [...lower].sort().join('') === [...right].sort().join('');
  return isBeginning || isMixedUp ? 1 : distance(written, name);
}
