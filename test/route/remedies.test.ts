import { describe, expect, test } from 'vitest';
import { deadLetter } from '../../src/engine/dead-letter.ts';
import type { Remedy, SinkPlan } from '../../src/engine/plan.ts';
import { type ErrorCode, MqferryError } from '../../src/errors.ts';
import { attachError, compileTemplate } from '../../src/expr/index.ts';
import { compileRoutes } from '../../src/index.ts';
import { Message } from '../../src/message.ts';
import { remedies } from '../../src/route/remedies.ts';
import { until } from '../brokers/broker.ts';
import { FakeSource } from '../engine/fakes.ts';
import { books, run } from './shelf.ts';

const graves = ['first', 'second'].map((name) => ({ name })) as SinkPlan[];

async function remedyOf(onError: string) {
  const text = `routes: { a: { source: generate, sink: print, onError: ${onError} } }`;
  const { model, problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] } });
  expect(problems).toEqual([]);
  return remedies(model!.routes[0]!, graves);
}

const order = new Message({ body: Buffer.from('{"total":5}'), headers: [['kind', 'report']] });
const nameOf = ({ way }: Remedy) => (typeof way === 'string' ? way : way.name);

describe('the first entry that holds says what becomes of a failure', () => {
  const list = `
    - { when: error.code == "REFUSED" && header.kind == "report", deadLetter: print }
    - { when: error.attempts >= 3 && error.message.contains("busy"), retry: { attempts: 50, maxAge: 1m }, deadLetter: print }
    - { when: [error.code == "STEP_FAILED", body.total > 1], then: drop }
    - { retry: { attempts: 7 }, then: stop }`
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trim()
        .slice(2)
        .replaceAll(/when: (\[?)(.*?)(\]?), (?=\w+: )/g, "when: $1'$2'$3, "),
    )
    .join(', ')
    .replace(/\['(.*), (.*)'\]/, "['$1', '$2']");

  const table: [ErrorCode, string, number, string, number][] = [
    ['REFUSED', 'busy', 9, 'first', 5],
    ['TOO_LARGE', 'busy', 3, 'second', 50],
    ['TOO_LARGE', 'busy', 2, 'stop', 7],
    ['STEP_FAILED', 'x', 1, 'drop', 5],
    ['UNMAPPABLE', 'x', 1, 'stop', 7],
  ];
  test.each(table)('%s "%s" after %i tries: %s', async (code, text, attempts, way, tries) => {
    const remedy = (await remedyOf(`[${list}]`))({ received: order, entered: order, error: new MqferryError(code, text), attempts });
    expect([nameOf(remedy), remedy.retry.attempts]).toEqual([way, tries]);
  });
});

const refused = { received: order, entered: order, error: new MqferryError('REFUSED', 'no'), attempts: 1 };

test('what no entry takes stops the route', async () => {
  expect(nameOf((await remedyOf('[{ when: \'error.code == "AUTH"\', then: drop }]'))(refused))).toBe('stop');
  expect(nameOf((await remedyOf('{ when: \'error.code == "AUTH"\', then: drop }'))(refused))).toBe('stop');
  expect(nameOf((await remedyOf('{ then: drop }'))(refused))).toBe('drop');
});

describe('a condition that cannot be judged is not taken for false', () => {
  test.each(['drop', 'stop'])('nothing is lost by an entry behind it that says %s', async (way) => {
    const remedy = await remedyOf(`[{ when: body.customer.vip, deadLetter: print }, { then: ${way} }]`);
    expect(() => remedy(refused)).toThrow(/customer/);
  });

  test('a dead letter behind it may have the message', async () => {
    const remedy = await remedyOf(
      '[{ when: body.customer.vip, then: drop }, { when: body.a.b, deadLetter: print }, { deadLetter: print }]',
    );
    expect(nameOf(remedy(refused))).toBe('second');
    const judged = { ...refused, entered: new Message({ body: Buffer.from('{"customer":{"vip":true}}') }) };
    expect(nameOf(remedy(judged))).toBe('drop');
  });
});

test('a dead letter keeps its own reason when the same delivery fails for another one', async () => {
  const remedy = await remedyOf('[{ when: \'error.code == "REFUSED"\', deadLetter: print }, { then: stop }]');
  const letter = deadLetter(order, { route: 'a', error: refused.error, attempts: 1 }, new Date());
  attachError(letter, { code: 'REFUSED', message: 'no', attempts: 1 });
  remedy({ ...refused, error: new MqferryError('TOO_LARGE', 'big') });
  expect(compileTemplate('${{ error.code }}')(letter)).toBe('REFUSED');
});

describe('a step with an onError of its own', () => {
  const config = `
routes:
  a:
    source: given
    steps:
      - filter: body.n != 2
      - map: { n: body.n, size: body.size }
        onError:
          - { when: body.n == 1, then: drop }
          - { when: body.n == 3, deadLetter: dead }
    sink: { switch: [{ otherwise: { steps: [{ set: { header.twice: '\${{ body.size * 2 }}' }, onError: { then: drop } }], sink: shelf } }] }
    onError: { then: stop }
`;
  const bodies = ['{"n":1}', '{"n":2}', '{"n":3}', '{"n":4,"size":2}', '{"n":5,"size":"x"}'];
  const given = (more: string[] = []) =>
    new FakeSource().push(...[...bodies, ...more].map((body) => new Message({ body: Buffer.from(body) })));

  test('has its failures go their own way, in the cases of a switch too', async () => {
    const source = given();
    const { shelf, dead, mqferry } = await run(config, source.end);
    await until('all have ended', async () => source.acked.length === 5);
    expect(shelf.stored.map(({ body }) => String(body))).toEqual([bodies[3]]);
    expect(dead.stored.map(({ body }) => String(body))).toEqual([bodies[2]]);
    expect(books(mqferry, 'a')).toMatchObject({ read: 5, delivered: 1, filtered: 1, dropped: 2, deadLettered: 1 });
  });

  test('leaves what none of its entries takes to the route', async () => {
    const { mqferry } = await run(config, given(['{"n":6}']).end);
    await until('the route has failed', async () => mqferry.engine.routes[0]?.state === 'failed');
    expect(mqferry.engine.routes[0]?.reason).toContain('STEP_FAILED');
  });
});

test('each failure of a route goes its own way, and the books have all of them', async () => {
  const bodies = ['{"n":1}', 'no JSON', '{"n":2}', '{"n":3}'];
  const source = new FakeSource().push(...bodies.map((body) => new Message({ body: Buffer.from(body) })));
  source.push(new Message({ body: Buffer.from('{"n":4}'), headers: [['mqf-hops', '8']] }));
  const { shelf, dead, mqferry } = await run(
    `
routes:
  a:
    source: given
    steps: [filter: body.n != 2]
    sink: shelf
    onError:
      - { when: error.code == "HOPS_EXCEEDED", deadLetter: dead }
      - { when: error.code == "STEP_FAILED" && error.attempts == 1, then: drop }
`,
    source.end,
  );
  await until('all have ended', async () => source.acked.length === 5);
  expect([shelf, dead].map(({ stored }) => stored.map(({ body }) => String(body)))).toEqual([['{"n":1}', '{"n":3}'], ['{"n":4}']]);
  expect(books(mqferry, 'a')).toMatchObject({ read: 5, delivered: 2, filtered: 1, dropped: 1, deadLettered: 1, inFlight: 0 });
});
