/** What has become of the messages against what the test expects, which is all that may. */
import { durationText } from '../config/values.ts';
import type { TestCase } from './cases.ts';
import { compare, compareLetter, messageLines } from './compare.ts';
import type { Expectation, Expected, ExpectedLetter } from './fields.ts';
import { type Difference, nothing } from './json-diff.ts';
import { sinkNames } from './names.ts';
import type { End, Outcome } from './rehearse.ts';
import type { Taken } from './sink.ts';

/** Something that is not as expected. */
export interface Failure {
  /** `sink kafka events, message 2`. */
  readonly where: string;
  readonly differences: readonly Difference[];
  /** A message that was not expected, in lines. */
  readonly message?: readonly string[];
}

export function judge(test: TestCase, outcome: Outcome): Failure[] {
  const { expect } = test;
  return [
    ...stateFailures(test, outcome),
    ...outcome.troubles.map((found) => ({ where: 'faults', differences: [{ what: 'when', expected: 'true or false', found }] })),
    ...sinkFailures(expect, outcome.sinks),
    ...letterFailures(expect, outcome.deadLetters),
    ...countFailures('filtered', expect.filtered, outcome.books.filtered),
    ...countFailures('dropped', expect.dropped, outcome.books.dropped),
  ];
}

function stateFailures({ expect, within }: TestCase, { state, reason = '', books }: Outcome): Failure[] {
  const where = 'outcome';
  if (state === 'stuck') {
    const found = `after ${durationText(within)} ${books.inFlight + books.buffered} messages are still on their way${reason === '' ? '' : `: ${reason}`}`;
    return [{ where, differences: [{ what: where, expected: expect.outcome, found }] }];
  }
  if (state !== expect.outcome) {
    const found = state === 'stopped' ? `stopped: ${reason}` : state;
    return [{ where, differences: [{ what: where, expected: expect.outcome, found }] }];
  }
  if (expect.reason === undefined || reason.includes(expect.reason)) return [];
  return [{ where, differences: [{ what: 'reason', expected: `… ${expect.reason} …`, found: reason }] }];
}

function countFailures(where: string, expected: number, found: number): Failure[] {
  return expected === found ? [] : [{ where, differences: [{ what: where, expected: String(expected), found: String(found) }] }];
}

function sinkFailures(expect: Expectation, sinks: readonly End[]): Failure[] {
  const names = sinkNames(sinks);
  const expected = new Map(Object.entries(expect.sinks).map(([name, list]) => [names.get(name)?.[0], list]));
  const ignored = new Set(expect.ignore.map((name) => names.get(name)?.[0]));
  return sinks.flatMap(({ name, taken }, i) => {
    const list = expected.get(i);
    return !list && ignored.has(i) ? [] : listFailures(name, repeated(list ?? []), taken, compare, expect.anyOrder);
  });
}

function letterFailures(expect: Expectation, ends: readonly End[]): Failure[] {
  const names = sinkNames(ends);
  const placed = ends.flatMap(({ name, taken }, end) => taken.map((one) => ({ ...one, end, name }))).sort((a, b) => a.order - b.order);
  const differ = (expected: ExpectedLetter, letter: (typeof placed)[number]): Difference[] => {
    const isThere = expected.at === undefined || names.get(expected.at)?.[0] === letter.end;
    const at = isThere ? [] : [{ what: 'at', expected: expected.at as string, found: letter.name }];
    return [...at, ...compareLetter(expected, letter)];
  };
  return listFailures('dead letters', repeated(expect.deadLetters), placed, differ, expect.anyOrder);
}

function repeated<E extends Expected>(list: readonly E[]): E[] {
  return list.flatMap((one) => Array.from({ length: one.times }, () => one));
}

function listFailures<E, T extends Taken>(
  where: string,
  expected: readonly E[],
  taken: readonly T[],
  differ: (expected: E, taken: T) => Difference[],
  anyOrder: boolean,
): Failure[] {
  const partners = anyOrder ? matched(expected, taken, differ) : expected.map((_, i) => (i < taken.length ? i : undefined));
  const failures: Failure[] = [];
  if (expected.length !== taken.length)
    failures.push({ where, differences: [{ what: 'messages', expected: String(expected.length), found: String(taken.length) }] });
  const left = new Set(taken.keys());
  for (const partner of partners) if (partner !== undefined) left.delete(partner);
  for (const [i, one] of expected.entries()) {
    // In any order, what has no match is shown beside what is left: it is the nearest that can be said.
    const partner = partners[i] ?? (anyOrder ? takeFirst(left) : undefined);
    if (partner === undefined)
      failures.push({ where: `${where}, message ${i + 1}`, differences: [{ what: 'message', expected: 'one', found: nothing }] });
    else {
      const differences = differ(one, taken[partner] as T);
      if (differences.length > 0) failures.push({ where: `${where}, message ${i + 1}`, differences });
    }
  }
  for (const i of left)
    failures.push({
      where: `${where}, message ${i + 1}`,
      differences: [{ what: 'message', expected: nothing, found: 'this' }],
      message: messageLines(taken[i] as T),
    });
  return failures;
}

function takeFirst(left: Set<number>): number | undefined {
  for (const first of left) {
    left.delete(first);
    return first;
  }
  return undefined;
}

/** A partner for as many as can have one: of those that fit several, each gets one that leaves the others theirs. */
function matched<E, T>(
  expected: readonly E[],
  taken: readonly T[],
  differ: (expected: E, taken: T) => Difference[],
): (number | undefined)[] {
  const fits = expected.map((one) => [...taken.keys()].filter((i) => differ(one, taken[i] as T).length === 0));
  const ownerOf = new Map<number, number>();
  const place = (who: number, tried: Set<number>): boolean => {
    for (const i of fits[who] as number[]) {
      if (tried.has(i)) continue;
      tried.add(i);
      const owner = ownerOf.get(i);
      if (owner !== undefined && !place(owner, tried)) continue;
      ownerOf.set(i, who);
      return true;
    }
    return false;
  };
  for (const who of expected.keys()) place(who, new Set());
  const partners: (number | undefined)[] = expected.map(() => undefined);
  for (const [i, who] of ownerOf) partners[who] = i;
  return partners;
}
