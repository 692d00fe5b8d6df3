import { describe, expect, test } from 'vitest';
import { computedTopicProblem, filterProblem, textProblem, topicProblem } from '../../../connectors/mqtt/topic.ts';

const good = ['a', 'a/b', '/a', 'a/', '/', 'a//b', ' ', 'größe/日本', '🚢', '$', '$aws/things', '$sys/a', 'x'.repeat(65_535)];
const bad: [string, RegExp][] = [
  ['', /empty/],
  ['a/#', /wildcard/],
  ['+/a', /wildcard/],
  ['a+b', /wildcard/],
  ['$SYS/broker', /\$SYS/],
  ['$share/group/a', /\$share/],
  ['a\u0000', /control/],
  ['a\nb', /control/],
  ['a\u007fb', /control/],
  ['a\u0085b', /control/],
  ['\ud83d', /surrogate/],
  ['a\ufffe', /non-character/],
  ['\u{1ffff}', /non-character/],
  ['x'.repeat(65_536), /65,535/],
  ['é'.repeat(32_768), /65,535/],
];

describe('a topic', () => {
  test.each(good)('may be %j', (topic) => expect(topicProblem(topic)).toBeUndefined());
  test.each(bad)('may not be %j', (topic, problem) => expect(topicProblem(topic)).toMatch(problem));
  test.each(bad)('made from a message may not be %j either', (topic) => expect(computedTopicProblem(topic)).toBeTruthy());
  test('made from a message may not begin with $, which gives orders to brokers', () => {
    expect(computedTopicProblem('$delayed/5/a')).toMatch(/begins with \$/);
    expect(computedTopicProblem('a/$b')).toBeUndefined();
  });
});

describe('a filter', () => {
  test.each(['#', '+', 'a/#', '+/+/b', 'a/+', '/#', '$SYS/#', '$share/group/a/#', '$share/g/+', '$aws/+/x'])('may be %j', (filter) =>
    expect(filterProblem(filter)).toBeUndefined(),
  );
  test.each(['', 'a#', '#/a', 'a/#/b', 'a+/b', '+a', '$share', '$share/', '$share/g', '$share//a', '$share/g+/a', '$share/g/', 'a\u0000'])(
    'may not be %j',
    (filter) => expect(filterProblem(filter)).toBeTruthy(),
  );
});

test('a text of 65,535 bytes is sent, one more is not, however few characters that is', () => {
  expect(textProblem('日'.repeat(21_845))).toBeUndefined();
  expect(textProblem(`${'日'.repeat(21_845)}a`)).toMatch(/65,535/);
});
