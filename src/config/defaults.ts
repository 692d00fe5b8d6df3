import type { Fields } from './fields.ts';

/** What a config of these fields is when only these keys are written, which are of their final types. Nothing is checked. */
export function withDefaults(fields: Fields, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, given[name] ?? defaultOf(field)]));
}

function defaultOf({ kind, options }: Fields[string]): unknown {
  if (options.default !== undefined || options.optional || kind.kind !== 'group') return options.default;
  return withDefaults(kind.fields, {});
}
