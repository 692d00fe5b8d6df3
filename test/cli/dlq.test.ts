import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePorts, until } from '../brokers/broker.ts';
import { type Ended, folder, mqferry, start } from './mqferry.ts';

/** A route that makes letters of the odd numbers from 1 to 9, and the same route mended; in a folder of their own. */
function site(onError = '{ deadLetter: disk }') {
  const cwd = folder();
  const body = `body: '{"n": \${{ origin.sequence }}, "payload": "\\u00e9"}'`;
  const config = (step: string) =>
    `routes:\n  a:\n    source: { generate: { interval: 0, count: 9, ${body} } }\n    steps: [ filter: '${step}' ]\n    sink: { print: { format: json } }\n    onError: ${onError}\n`;
  writeFileSync(join(cwd, 'broken.yaml'), config('body.n % 2 == 0 || body.missing'));
  writeFileSync(join(cwd, 'mended.yaml'), config('body.n != 99'));
  const run = (...args: string[]) => mqferry(args, { cwd });
  const fill = () => run('run', 'broken.yaml', '--no-admin', '--until-idle', '200ms');
  const dlq = (verb: string, ...args: string[]) => run('dlq', verb, ...args);
  return { cwd, run, fill, dlq };
}

/** The numbers of the messages that were printed. */
const numbers = ({ out }: Ended) => [...out.matchAll(/\\"n\\": (\d+)/g)].map(([, n]) => Number(n));
const waiting = async ({ dlq }: ReturnType<typeof site>) =>
  (JSON.parse((await dlq('ls', 'mended.yaml', '--format', 'json')).out) as { letters: number }[])[0]?.letters;

describe('dead letters on disk', { timeout: 120_000 }, () => {
  test('are counted, shown without what they carry, and found by an expression', async () => {
    const { fill, dlq, run } = site();
    const filled = await fill();
    expect(filled.code).toBe(1);
    expect(filled.err).toMatch(/deadLettered 5\n {2}dead letters on disk: 5; `mqferry dlq show a`/);
    const ls = await dlq('ls', 'broken.yaml');
    expect(ls.out).toMatch(/^a +disk +5 +20\d\d-.*Z +STEP_FAILED 5$/m);
    const shown = await dlq('show', 'a', 'broken.yaml', '--limit', '2');
    expect(shown.out.split('\n')).toHaveLength(4);
    expect(shown.out).toMatch(/^1 +20\d\d-\S+Z +STEP_FAILED +1 +0 +\d+ +filter: cannot evaluate/m);
    expect(shown.out).not.toContain('payload');
    const json = await dlq('show', 'a', 'broken.yaml', '--format', 'json', '--when', 'error.code == "STEP_FAILED" && body.n > 6');
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ letter: 4 }, { letter: 5 }]);
    expect(json.out).not.toContain('payload');
    const whole = await dlq('show', 'a', 'broken.yaml', '--body', '--limit', '1');
    expect(whole.out).toMatch(/mqf-error-route: a\n.*\n.*\n {4}\{"n": 1, "payload": "\\u00e9"\}/);
    const unjudged = await dlq('show', 'a', 'broken.yaml', '--when', 'body.x == 1');
    expect(unjudged).toMatchObject({ code: 1, out: '' });
    expect((await run('buffer', 'verify', 'dead:a')).out).toContain('"problems": []');
  });

  test('go through their route again; those not chosen stay, and what was sent is gone, in a full log too', async () => {
    const here = site('{ deadLetter: { disk: { maxMessages: 5 } } }');
    await here.fill();
    const dry = await here.dlq('replay', 'a', 'mended.yaml', '--when', 'body.n > 5', '--dry-run');
    expect(dry.out).toContain('2 would be sent again');
    expect(await waiting(here)).toBe(5);
    const sent = await here.dlq('replay', 'a', 'mended.yaml', '--when', 'body.n > 5');
    expect(sent, sent.err).toMatchObject({ code: 0 });
    expect(numbers(sent)).toEqual([7, 9]);
    expect(sent.err).toContain('3 are not chosen by --when');
    expect(await waiting(here)).toBe(3);
    const one = await here.dlq('replay', 'a', 'mended.yaml', '--limit', '1');
    expect(numbers(one)).toEqual([1]);
    const rest = await here.dlq('replay', 'a', 'mended.yaml', '--rate', '100/s');
    expect(numbers(rest)).toEqual([3, 5]);
    const none = await here.dlq('replay', 'a', 'mended.yaml');
    expect(none).toMatchObject({ code: 0, out: '' });
    expect(none.err).toContain('nothing of route a to replay');
  });

  test('stay when a signal ends the replay, but for those that have arrived', async () => {
    const here = site();
    await here.fill();
    const replay = start(['dlq', 'replay', 'a', 'mended.yaml', '--rate', '1/s'], { cwd: here.cwd });
    replay.child.stdout?.once('data', () => replay.child.kill('SIGINT'));
    const ended = await replay.ended;
    expect(ended.code, ended.err).toBe(0);
    const sent = numbers(ended);
    expect(sent.length).toBeLessThan(5);
    expect(await waiting(here)).toBe(5 - sent.length);
    expect([...sent, ...numbers(await here.dlq('replay', 'a', 'mended.yaml'))]).toEqual([1, 3, 5, 7, 9]);
  });

  test('that die again wait with their count, and are refused above --max-replays', async () => {
    const here = site();
    await here.fill();
    for (let replays = 1; replays <= 2; replays++) {
      const again = await here.dlq('replay', 'a', 'broken.yaml', '--max-replays', '2');
      expect(again.code).toBe(1);
      expect(again.err).toContain('read 5, deadLettered 5');
    }
    const refused = await here.dlq('replay', 'a', 'mended.yaml', '--max-replays', '2');
    expect(refused).toMatchObject({ code: 0, out: '' });
    expect(refused.err).toContain('5 were replayed 2 times or more');
    expect(await waiting(here)).toBe(5);
    expect(numbers(await here.dlq('replay', 'a', 'mended.yaml'))).toEqual([1, 3, 5, 7, 9]);
  });

  test('are written to a file that only its owner reads, and sent from it', async () => {
    const { cwd, fill, dlq } = site();
    await fill();
    const exported = await dlq('export', 'a', 'letters.jsonl', 'broken.yaml');
    expect(exported.code).toBe(0);
    expect(statSync(join(cwd, 'letters.jsonl')).mode & 0o777).toBe(0o600);
    expect((await dlq('export', 'a', 'letters.jsonl', 'broken.yaml')).code, 'nothing is written over').toBe(1);
    const lines = readFileSync(join(cwd, 'letters.jsonl'), 'utf8');
    expect((await dlq('export', 'a', '-', 'broken.yaml')).out).toBe(lines);
    expect((await dlq('purge', 'a', 'mended.yaml', '--yes')).out).toBe('deleted 5 dead letters of route a (disk)\n');
    const sent = await dlq('replay', 'a', 'mended.yaml', '--from', 'letters.jsonl', '--when', 'body.n != 3');
    expect(sent, sent.err).toMatchObject({ code: 0 });
    expect(numbers(sent)).toEqual([1, 5, 7, 9]);
    writeFileSync(join(cwd, 'letters.jsonl'), `${lines.split('\n')[0]}\n{"mqferry":1,"body":"secret!"}\n`);
    const broken = await dlq('replay', 'a', 'mended.yaml', '--from', 'letters.jsonl');
    expect(broken.code).toBe(1);
    expect(broken.err).toContain('cannot read letters.jsonl line 2');
    expect(broken.err).not.toContain('secret!');
  });

  test('are deleted only after a yes to their number, and only those that are meant', async () => {
    const here = site();
    await here.fill();
    const asked = await here.dlq('purge', 'a', 'mended.yaml', '--when', 'body.n == 3');
    expect(asked.code).toBe(2);
    expect(asked.err).toContain('Delete 1 dead letter of route a (disk) for which --when is true, for good? Say so by --yes');
    expect(await waiting(here)).toBe(5);
    expect((await here.dlq('purge', 'a', 'mended.yaml', '--when', 'body.n == 3', '--yes')).out).toContain('deleted 1 dead letter of');
    expect(numbers(await here.dlq('replay', 'a', 'mended.yaml')).sort()).toEqual([1, 5, 7, 9]);
    expect((await here.dlq('purge', 'a', 'mended.yaml')).out).toContain('deleted 0 dead letters');
  });

  test('belong to the running process: looking works, replay and purge end with 75 and the remedy', async () => {
    const { cwd, dlq } = site();
    const [port] = await freePorts(1);
    const text = readFileSync(join(cwd, 'broken.yaml'), 'utf8').replace('interval: 0, count: 9', 'interval: 20ms');
    writeFileSync(join(cwd, 'running.yaml'), text);
    const run = start(['run', 'running.yaml', '--admin', `127.0.0.1:${port}`], { cwd });
    onTestFinished(() => void run.child.kill('SIGKILL'));
    const get = async (path: string) =>
      fetch(`http://127.0.0.1:${port}/${path}`).then(
        (answer) => answer.text(),
        () => '',
      );
    await until('letters wait', async () => /"deadLetters":\{"messages":[1-9]/.test(await get('routes')));
    expect(await get('metrics')).toMatch(/^mqferry_dead_letters\{route="a"\} [1-9]/m);
    expect((await dlq('ls', 'running.yaml')).out).toMatch(/^a +disk +\d+ /m);
    expect((await dlq('show', 'a', 'running.yaml', '--limit', '1')).out).toContain('STEP_FAILED');
    expect((await dlq('replay', 'a', 'running.yaml', '--dry-run')).code).toBe(0);
    for (const args of [
      ['replay', 'a', 'running.yaml'],
      ['purge', 'a', 'running.yaml', '--yes'],
    ]) {
      const { code, err } = await dlq(...(args as [string, ...string[]]));
      expect(code, err).toBe(75);
      expect(err).toContain('stop that mqferry, run this again, then start it');
    }
  });
});

describe('what cannot be', () => {
  const table: [string, string, string][] = [
    ['{ then: drop }', 'show', 'route a has no dead letters: its onError names no deadLetter'],
    ['{ deadLetter: { mqtt: { topic: dead } } }', 'show', 'MQTT gives nothing back that was published before'],
    ['{ deadLetter: print }', 'replay', 'print gives nothing back that was sent there'],
    ['{ deadLetter: { rabbitmq: { exchange: e } } }', 'show', 'which queues the exchange e fills is known to the broker alone'],
    ['{ deadLetter: { kafka: { connection: { brokers: x:1 }, topic: "${{ id }}" } } }', 'show', 'each message names its topic'],
    ['{ deadLetter: { stomp: { destination: /topic/t } } }', 'purge', '/topic/t keeps nothing that could be read again'],
    ['{ deadLetter: { local: { queue: q } } }', 'export', 'in the memory of the process that runs the route'],
    [
      '[ { when: "true", deadLetter: disk }, { deadLetter: { rabbitmq: { queue: q } } } ]',
      'replay',
      '2 destinations of dead letters: disk; rabbitmq, queue q; choose by --destination',
    ],
  ];
  test.each(table)('%s: %s says why', async (onError, verb, sentence) => {
    const { code, err } = await site(onError).dlq(verb, 'a', ...(verb === 'export' ? ['-'] : []), 'broken.yaml');
    expect(err).toContain(sentence);
    expect(code).toBe(2);
  });

  test('a replay into a queue in memory, which is that of another process', async () => {
    const { cwd, fill, dlq } = site();
    await fill();
    const text = readFileSync(join(cwd, 'mended.yaml'), 'utf8').replace('{ print: { format: json } }', '{ local: { queue: q } }');
    writeFileSync(join(cwd, 'memory.yaml'), text);
    const { code, err } = await dlq('replay', 'a', 'memory.yaml');
    expect(err).toContain('which a replay cannot reach');
    expect(code).toBe(2);
  });

  test('a condition that does not compile, a route that is not there', async () => {
    const { dlq } = site();
    expect(await dlq('show', 'a', 'broken.yaml', '--when', 'body.n =')).toMatchObject({
      code: 2,
      err: expect.stringContaining('use == to compare'),
    });
    expect(await dlq('show', 'b', 'broken.yaml')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no route b; there are a'),
    });
  });
});

test('dead letters in a queue on disk that is shared: only those of the route are taken', { timeout: 60_000 }, async () => {
  const here = site('{ deadLetter: { local: { queue: graves, store: disk } } }');
  await here.fill();
  const text = readFileSync(join(here.cwd, 'broken.yaml'), 'utf8').replace('  a:', '  b:');
  writeFileSync(join(here.cwd, 'other.yaml'), text);
  await here.run('run', 'other.yaml', '--no-admin', '--until-idle', '200ms');
  expect((await here.dlq('ls', 'mended.yaml')).out).toMatch(/^a +local, queue graves +10 /m);
  const sent = await here.dlq('replay', 'a', 'mended.yaml', '--when', 'body.n > 5');
  expect(sent, sent.err).toMatchObject({ code: 0 });
  expect(numbers(sent)).toEqual([7, 9]);
  expect(sent.err).toContain('5 are of another route');
  expect((await here.dlq('purge', 'a', 'mended.yaml', '--yes')).out).toContain('deleted 3 dead letters');
  expect((await here.run('buffer', 'ls')).out).toMatch(/^queue:graves +5 /m);
});
