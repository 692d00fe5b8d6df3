/** Topics of MQTT (`a/b`, `+`, `#`), and the routing keys of AMQP (`a.b`, `*`, `#`) they stand for. */
import { spend } from '../budget.ts';
import { fail } from '../failure.ts';
import { Language } from './language.ts';
import type { Entry } from './registry.ts';

/** `match`: undefined when the topic does not; else what the names in the filter stand for. */
type Filter = (levels: readonly string[]) => ReadonlyMap<string, string> | undefined;

export const topicFilters = new Language<Filter>('a topic filter', compile);

export const topics: readonly Entry[] = [
  [
    'topic.match(string, string): dyn',
    'what the names in a filter stand for, as a map, or null when the topic does not match; `+x` is one level, `#x` the rest',
    'topic.match("plant/7/temp", "plant/+line/temp") == {"line": "7"}',
    match,
  ],
  ['topic.segment(string, double): string', 'one level, from 0; -1 is the last', 'topic.segment("plant/7/temp", 1) == "7"', segment],
  ['topic.toDots(string): string', 'as a routing key, as RabbitMQ has it', 'topic.toDots("plant/+/#") == "plant.*.#"', swap],
  ['topic.toSlashes(string): string', 'a routing key as a topic', 'topic.toSlashes("plant.7") == "plant/7"', swap],
];

function match(_: unknown, topic: string, filter: string): ReadonlyMap<string, string> | null {
  spend(topic.length >> 4);
  return topicFilters.of(filter)(topic.split('/')) ?? null;
}

function segment(_: unknown, topic: string, place: number): string {
  return topic.split('/').at(place) ?? fail('the topic has fewer levels');
}

/** Both ways the same, so that nothing is lost: a dot in a level becomes a slash in the word. */
function swap(_: unknown, text: string): string {
  const other: Readonly<Record<string, string>> = { '/': '.', '.': '/', '+': '*', '*': '+' };
  return text.replace(/[/.+*]/g, (mark) => other[mark] as string);
}

function compile(filter: string): Filter {
  const levels = filter.split('/');
  const rest = levels.findIndex((level) => level.startsWith('#'));
  if (rest >= 0 && rest < levels.length - 1) throw new Error('`#` stands only at the end');
  const fixed = rest < 0 ? levels : levels.slice(0, rest);
  for (const level of fixed) if (/.[+#]/s.test(level)) throw new Error('`+` stands at the start of a level');
  const names = [...fixed, ...levels.slice(fixed.length)].filter((level) => /^[+#]./s.test(level)).map((level) => level.slice(1));
  if (new Set(names).size < names.length) throw new Error('a name stands there twice');
  return (topic) => {
    if (rest < 0 ? topic.length !== fixed.length : topic.length < fixed.length) return undefined;
    // [MQTT-4.7.2-1] What starts with $ is not meant by a wildcard.
    if (topic[0]?.startsWith('$') && /^[+#]/.test(filter)) return undefined;
    const found = new Map<string, string>();
    for (let i = 0; i < fixed.length; i++) {
      const level = fixed[i] as string;
      if (level.startsWith('+')) found.set(level.slice(1), topic[i] as string);
      else if (level !== topic[i]) return undefined;
    }
    if (rest >= 0) found.set((levels[rest] as string).slice(1), topic.slice(rest).join('/'));
    found.delete('');
    return found;
  };
}
