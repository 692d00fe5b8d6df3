/** What may be seen of an expression in which something was filled in; with the real compiler of expressions. */
import { describe, expect, test } from 'vitest';
import { renderProblems } from '../../src/config/diagnostics.ts';
import { defineConnector, MqferryError, secret } from '../../src/connector.ts';
import { compileRoutes, Message } from '../../src/index.ts';

const canary = 'c4n4ry-Zx9';
const env = { MY_TOKEN: canary, SITE: 'berlin', EMPTY: '' };
const message = new Message({ body: Buffer.from('{"a":1}') });

async function compiled(step: string) {
  const text = `routes:\n  r:\n    source: generate\n    sink: print\n    steps:\n      - ${step}\n`;
  return compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] }, env });
}

/** The text that a filter shows, and what it says when it fails on a message. */
async function shown(filter: string): Promise<{ text: string; failure: string }> {
  const { routes, problems } = await compiled(`filter: '${filter}'`);
  expect(problems).toEqual([]);
  const condition = routes[0]!.model.steps[0]!.value as ((message: Message) => unknown) & { text: string };
  let failure = 'none';
  try {
    condition(message);
  } catch (error) {
    failure = (error as Error).message;
  }
  return { text: condition.text, failure };
}

describe('an expression shows the reference and not what it stands for', () => {
  test.each([
    ['"${MY_TOKEN}" == body.b', 'there is no "b"', '6:40'],
    ['"${SITE}${EMPTY}${MY_TOKEN}" == "${SITE}" || body.b', 'there is no "b"', '6:68'],
    ['"${NONE:-secret default}" == body.b', 'there is no "b"', '6:52'],
    ['"$${x}" == body.b', 'there is no "b"', '6:34'],
    ['body["${MY_TOKEN}"] == 1', 'there is no such key', '6:18'],
  ])('%s', async (filter, sentence, place) => {
    const { text, failure } = await shown(filter);
    expect(text).toBe(filter.replace(':-secret default', '').replace('$${', '${'));
    expect(failure).toBe(`cannot evaluate \`${text}\` at a.yaml:${place}: ${sentence}`);
  });

  test('and computes with what it stands for', async () => {
    const { routes } = await compiled(`filter: '"\${MY_TOKEN}" == "${canary}"'`);
    expect((routes[0]!.model.steps[0]!.value as (message: Message) => unknown)(message)).toBe(true);
  });

  test('nor a secret that stands in it itself', async () => {
    expect((await shown(`"\${MY_TOKEN}" == "${canary}" + body.b`)).text).toBe('"${MY_TOKEN}" == "***" + body.b');
  });
});

describe('an error of an expression quotes no piece of what was filled in, and says where it is', () => {
  test.each([
    ['at its end', `filter: 'body.x \${MY_TOKEN} "and more"'`, 'there is no $ in expressions', 25],
    ['behind it', `filter: 'body.x == "\${MY_TOKEN}" # 1'`, 'ended before `# 1`', 42],
    ['in a pattern', `filter: 'body.x.matches("(\${MY_TOKEN}")'`, 'this is not a pattern', 33],
    ['in a format of times', `filter: 'formatTime(now, "\${MY_TOKEN}") == ""'`, 'this is not a format of times', 34],
    ['in a time zone', `filter: 'now.getHours("\${MY_TOKEN}") == 1'`, 'this is not a time zone', 31],
    ['in a topic filter', `filter: 'topic.match(id, "\${MY_TOKEN}+#") == 1'`, 'this is not a topic filter', 34],
    ['in a name', `filter: '\${MY_TOKEN} == body.x'`, 'there is no name "…"', 18],
  ])('%s', async (_where, step, sentence, col) => {
    const { problems } = await compiled(step);
    expect(problems).toMatchObject([{ rule: 'bad-expression', line: 6, col, message: expect.stringContaining(sentence) }]);
    const rendered = (['text', 'json'] as const).map((format) => renderProblems(problems, format)).join('\n');
    for (const piece of ['c4n4ry', 'Zx9']) expect(rendered).not.toContain(piece);
  });
});

test('what a connector says of its settings is shown without their secrets', async () => {
  const chatty = defineConnector({
    name: 'chatty',
    summary: 'Says too much.',
    connection: { password: secret('Password.') },
    sink: {
      fields: {},
      create({ connection }) {
        throw new MqferryError('CONFIG_INVALID', `the password ${connection.password} is no good`);
      },
    },
  });
  const text = 'routes:\n  a:\n    source: { generate: {} }\n    sink: { chatty: { connection: { password: canary-4711 } } }\n';
  const { problems } = await compileRoutes({ routes: { texts: [{ name: 'a.yaml', text }] }, connectors: { chatty } });
  expect(problems).toMatchObject([{ file: 'a.yaml', line: 4, rule: 'bad-end', message: 'the password *** is no good' }]);
});
