import type { EndContext, Field, Fields, Log, Room, Template } from '../connector.ts';

/** Lines that were logged. */
export interface CapturedLog extends Log {
  readonly lines: readonly { readonly level: 'error' | 'warn' | 'info' | 'debug'; readonly fields: object; readonly text: string }[];
}

/** A log that keeps what it is told. */
export function captureLog(): CapturedLog {
  const lines: CapturedLog['lines'][number][] = [];
  const at = (level: CapturedLog['lines'][number]['level']) => (fields: object, text: string) => void lines.push({ level, fields, text });
  return { lines, error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

const window: Room = { messages: 1000, bytes: 16 * 1024 * 1024 };

/** What an end may know of its route, for tests. */
export function testContext(changes: Partial<EndContext> = {}): EndContext {
  return { route: 'test', window, log: captureLog(), clientId: 'mqferry-test', signal: new AbortController().signal, ...changes };
}

/**
 * The settings of a connector as its `create` gets them: what is given, else the default of the field. Templates are taken as plain text.
 * Nothing is checked; that is the config loader's.
 */
export function testSettings(fields: Fields, given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) settings[name] = setting(field, given[name]);
  if ('connection' in given) settings['connection'] = given['connection'];
  return settings;
}

function setting({ kind, options }: Field<unknown>, given: unknown): unknown {
  if (kind.kind === 'group' && (given !== undefined || (!options.optional && options.default === undefined)))
    return testSettings(kind.fields, (given ?? {}) as Record<string, unknown>);
  const chosen = given ?? options.default;
  if (chosen === undefined) return undefined;
  if (kind.kind === 'template') return typeof chosen === 'string' ? constantTemplate(chosen) : chosen;
  if (kind.kind === 'list') return (chosen as unknown[]).map((item) => setting(kind.of, item));
  if (kind.kind === 'map')
    return Object.fromEntries(Object.entries(chosen as object).map(([name, item]) => [name, setting(kind.of, item)]));
  return chosen;
}

function constantTemplate(text: string): Template {
  return Object.assign(() => text, { constant: text });
}
