/** The limits as a route has them. */
import { expect, test } from 'vitest';
import type { Share } from '../../src/engine/plan.ts';
import { compileRoutes, Message } from '../../src/index.ts';

const body = Buffer.from(JSON.stringify({ l: Array.from({ length: 2000 }, (_, i) => i), s: 'x'.repeat(1000) }));

/** What the filters and templates of a route with these settings say of a message with 2000 elements. */
async function failures(settings: string, steps: string, sink = 'print'): Promise<string[]> {
  const text = `routes:\n  r:\n    source: { local: { queue: q } }\n    sink: ${sink}\n${settings}    steps:\n      ${steps}\n`;
  const { routes, problems } = await compileRoutes({ routes: { texts: [{ name: 'r.yaml', text }] } });
  expect(problems).toEqual([]);
  const failed: string[] = [];
  const { share } = (await routes[0]!.plan()).pumps[0]!;
  (share as Share)([new Message({ body })], {
    fail: (_message, error) => failed.push(`${error.code} ${error.message}`),
    drop() {},
    tap() {},
  });
  return failed;
}

test('by default 100,000 steps', async () => {
  expect(await failures('', '- filter: body.l.all(x, x >= 0)')).toEqual([]);
  expect(await failures('', '- filter: body.l.all(x, body.l.exists(y, y > 50))')).toEqual([
    expect.stringMatching(/^STEP_FAILED .* at r\.yaml:6:\d+: it takes more than 100000 steps for this message \(expressions\.maxSteps\)$/),
  ]);
});

test('a route may have other limits, for all that is evaluated in it', async () => {
  const fewer = '    expressions: { maxSteps: 1500, maxText: 2kB }\n';
  expect(await failures(fewer, '- filter: body.l.all(x, x >= 0)')).toEqual([expect.stringContaining('more than 1500 steps')]);
  expect(await failures(fewer, "- set: { header.n: '${{ size(body.l.map(x, x)) }}' }")).toEqual([
    expect.stringContaining('more than 1500 steps'),
  ]);
  expect(await failures(fewer, "- map: { a: 'header.x + string(1)' }")).toEqual([expect.stringContaining('no "x"')]);
  expect(await failures(fewer, '- map: { a: \'"y".padStart(9000, "z")\' }')).toEqual([
    expect.stringContaining('more than 2000 characters'),
  ]);
  expect(await failures('    expressions: { maxSteps: 1000000 }\n', '- filter: body.l.all(x, body.l.exists(y, y > 50))')).toEqual([]);
  const routed = '{ switch: [ { when: "body.l.all(x, x >= 0)", sink: print } ] }';
  expect(await failures(fewer, '- log: { text: a }', routed)).toEqual([expect.stringContaining('more than 1500 steps')]);
});
