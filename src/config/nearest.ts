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
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const name of names) {
    const apart = name.toLowerCase() === written.toLowerCase() ? 0 : distance(written, name);
    if (apart >= bestDistance || apart >= name.length) continue;
    best = name;
    bestDistance = apart;
  }
  return best;
}
