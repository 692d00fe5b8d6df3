/** Whether no two elements of a JSON list are equal, in time that grows with the list and not with its square. */
export function areUnique(asked: boolean, list: readonly unknown[]): boolean {
  if (!asked) return true;
  const seen = new Set<string>();
  for (const item of list) seen.add(canonical(item));
  return seen.size === list.length;
}

/** The same text for equal values: names of maps are sorted. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical((value as Record<string, unknown>)[name])}`).join(',')}}`;
}
