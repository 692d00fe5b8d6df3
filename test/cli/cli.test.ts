import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { verbs } from '../../src/cli/verbs.ts';
import { freePorts, until } from '../brokers/broker.ts';
import { folder, mqferry, root, start } from './mqferry.ts';

/** A file with these routes, in a folder of its own. */
function file(text: string): string {
  const path = join(folder(), 'routes.yaml');
  writeFileSync(path, text);
  return path;
}

describe('the command line', () => {
  test('every verb has help with an example', () => {
    const program = new Command();
    for (const add of verbs) add(program);
    for (const verb of program.commands) {
      let help = '';
      verb.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help, verb.name()).toMatch(/Examples?:\n {2}mqferry /);
    }
  });

  test('the exit codes of the docs are those of the program', () => {
    const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
    for (const [code, text] of Object.values(exitCodes)) {
      const row = page.split('\n').find((line) => new RegExp(`^\\|[ \\d,]*\\b${code}\\b[ \\d,]*\\|`).test(line));
      expect(row, `exit code ${code}`).toBeDefined();
      for (const word of text.match(/[a-zA-Z]{5,}/g) ?? []) expect(row, `exit code ${code}`).toContain(word);
    }
  });

  test('wrong use ends with 2', async () => {
    const [unknown, badTime] = await Promise.all([mqferry(['fly']), mqferry(['run', '--until-idle', 'soon'])]);
    expect(unknown).toMatchObject({ code: 2, out: '' });
    expect(badTime.code).toBe(2);
    expect(badTime.err).toContain('Write a time like 5s');
  });

  test('a wrong config ends with 78, naming file, line and remedy, and starts nothing', async () => {
    const path = file('routes:\n  a:\n    source: generate\n    sink:\n      print: { fromat: json }\n');
    const { code, err } = await mqferry(['run', path, '--no-admin']);
    expect(code).toBe(78);
    expect(err).toContain(`${path}:5:16 unknown-key: unknown key "fromat" — did you mean "format"?`);
  });

  test('a step that only its compiler can refuse, and ends whose keys exclude each other, are shown with their places, all at once', async () => {
    const path = file(`routes:
  a:
    source: generate
    steps:
      - set: { bodi: 1 }
    sink: print
`);
    const { code, err } = await mqferry(['validate', path]);
    expect(code).toBe(78);
    expect(err).toContain(`${path}:5:16 bad-step: "bodi" is no part of a message — did you mean "body"?`);
    const ends = file(`routes:
  a:
    source: { kafka: { connection: { brokers: localhost:9092 }, groupId: g } }
    sink: print
  b:
    source: { kafka: { connection: { brokers: localhost:9092 }, groupId: g } }
    sink: print
`);
    const both = await mqferry(['validate', ends]);
    expect(both.code).toBe(78);
    expect(both.err).toContain(`${ends}:3:15 bad-end: a kafka source needs \`topics\` or \`pattern\``);
    expect(both.err).toContain(`${ends}:6:15 bad-end: a kafka source needs \`topics\` or \`pattern\``);
  });

  test('a message that failed for good stops its only route, which ends the run with 1 and names the reason', async () => {
    const path = file(
      "routes:\n  a:\n    source: { generate: { interval: 0, count: 3, body: 'no json' } }\n    steps: [filter: body.x > 1]\n    sink: print\n",
    );
    const { code, err } = await mqferry(['run', path, '--no-admin']);
    expect(code).toBe(1);
    expect(err).toMatch(/route a failed: read 3, returned 3\n {2}.*JSON/);
    expect(err).toContain('all routes have stopped');
  });

  test('a pipe that its reader has closed stops the route that prints, and the run when there is no other', async () => {
    const path = file('routes:\n  a:\n    source: { generate: { interval: 5ms } }\n    sink: print\n');
    const run = start(['run', path, '--no-admin']);
    run.child.stdout?.once('data', () => run.child.stdout?.destroy()); // as `| head -1` does
    const { code, err } = await run.ended;
    expect(code, err).toBe(1);
    expect(err).toMatch(/route a failed: read .*returned \d+\n {2}.*standard output/);
    expect(err).toContain('all routes have stopped');
    expect(err).not.toContain('trying again');
  });

  test('--until-idle ends with 1 when something was dropped', async () => {
    const path = file('routes:\n  a:\n    source: { generate: { interval: 0, count: 3 } }\n    steps: [drop]\n    sink: print\n');
    const { code, err } = await mqferry(['run', path, '--no-admin', '--until-idle', '200ms']);
    expect(code).toBe(1);
    expect(err).toContain('read 3, dropped 3');
  });

  test('a link that never comes ends --until-idle with 69 and says which', async () => {
    const [port] = await freePorts(1);
    const { code, err } = await mqferry(['copy', `stomp://127.0.0.1:${port}/queue/a`, 'print:', '--connect-timeout', '300ms'], {
      cwd: folder(),
    });
    expect(code).toBe(69);
    expect(err).toMatch(/^route copy-[0-9a-f]{8} stopped: read 0$/m);
    expect(err).toMatch(/source was down for 300 ms: .*ECONNREFUSED/);
  });

  test('a data directory in use ends with 75; SIGTERM drains and ends with 0', async () => {
    const path = file('routes:\n  a:\n    source: { generate: { interval: 50ms } }\n    buffer: disk\n    sink: print\n');
    const data = join(folder(), 'data');
    const first = start(['run', path, '--no-admin', '--data', data]);
    await until('the first runs', async () => first.err().includes('runs 1 route'));
    const second = await mqferry(['run', path, '--no-admin', '--data', data]);
    expect(second.code, second.err).toBe(75);
    first.child.kill('SIGTERM');
    const { code, err } = await first.ended;
    expect(code, err).toBe(0);
    expect(err).toContain('route a stopped: read ');
  });

  test.runIf(process.platform === 'linux')(
    'run has a small heap under the pid it was started with, unless somebody has sized it',
    async () => {
      const path = file('routes:\n  a:\n    source: { generate: { interval: 50ms } }\n    sink: print\n');
      const commandLine = async (env: Readonly<Record<string, string>>) => {
        const run = start(['run', path, '--no-admin'], { env });
        await until('it runs', async () => run.err().includes('runs 1 route'));
        return readFileSync(`/proc/${run.child.pid}/cmdline`, 'utf8');
      };
      const [usual, sized] = await Promise.all([commandLine({}), commandLine({ NODE_OPTIONS: '--max-semi-space-size=32' })]);
      expect(usual).toContain('--max-semi-space-size=4');
      expect(sized).not.toContain('--max-semi-space-size=4');
    },
  );

  test('a second signal means now: 143', async () => {
    const path = file(`routes:
  a:
    source: { generate: { interval: 0 } }
    sink: { local: { queue: nobody-reads-it, maxMessages: 1 } }
`);
    const [port] = await freePorts(1);
    const run = start(['run', path, '--admin', `127.0.0.1:${port}`]);
    await until('messages wait for room', async () => {
      const text = await fetch(`http://127.0.0.1:${port}/routes`).then((response) => response.text(), String);
      return /"inFlight":[1-9]/.test(text);
    });
    run.child.kill('SIGTERM');
    await until('it drains', async () => {
      run.child.kill('SIGTERM');
      return run.child.exitCode !== null;
    });
    expect((await run.ended).code).toBe(143);
  });
});

describe('a queue on disk', () => {
  const queue = '{ local: { queue: alarms, store: disk } }';
  const writer = `routes:\n  in:\n    source: { generate: { interval: 0, count: 3 } }\n    sink: ${queue}\n`;
  const reader = `routes:\n  out:\n    source: ${queue}\n    sink: print\n`;
  const other = 'routes:\n  other:\n    source: { generate: { interval: 0, count: 1 } }\n    sink: print\n';

  test('keeps its messages from one run to the next; without a route for them nothing starts, and the remedies work', async () => {
    const data = join(folder(), 'data');
    const run = (text: string) =>
      mqferry(['run', file(text), '--no-admin', '--data', data, '--until-idle', '200ms', '--log-level', 'warn']);
    const buffer = (...args: string[]) => mqferry(['buffer', ...args, '--data', data]);
    expect(await run(writer)).toMatchObject({ code: 0 });
    const refused = await run(other);
    expect(refused).toMatchObject({ code: 78, out: '' });
    expect(refused.err).toMatch(/the queue alarms holds 3 messages.*mqferry buffer drop queue:alarms/);
    expect((await buffer('ls')).out).toMatch(/^queue:alarms +3 /m);
    expect(JSON.parse((await buffer('verify', 'queue:alarms')).out)).toMatchObject({ messages: 3, problems: [] });
    expect((await buffer('dump', 'queue:alarms')).out.split('\n')[2]).toContain('"sequence":3');
    const moved = await run(reader);
    expect(moved).toMatchObject({ code: 0, out: '{"sequence":1}\n{"sequence":2}\n{"sequence":3}\n' });
    expect(await run(other)).toMatchObject({ code: 0 });
    await run(writer);
    expect((await buffer('drop', 'queue:alarms')).out).toContain('deleted the queue alarms with 3 messages');
    expect(await run(other)).toMatchObject({ code: 0 });
  });
});

describe('list and describe', () => {
  test('list names every connector and step', async () => {
    const { code, out } = await mqferry(['list']);
    expect(code).toBe(0);
    for (const name of ['rabbitmq', 'kafka', 'mqtt', 'stomp', 'filter', 'set']) expect(out).toMatch(new RegExp(`^${name} `, 'm'));
  });

  test('describe shows both ends and the connection, as JSON too', async () => {
    const [text, json, none] = await Promise.all([
      mqferry(['describe', 'rabbitmq']),
      mqferry(['describe', 'rabbitmq', '-o', 'json']),
      mqferry(['describe', 'rabit']),
    ]);
    expect(text.out).toMatch(/^prefetch .*whole number/m);
    const sections = JSON.parse(json.out);
    expect(Object.keys(sections)).toEqual(['connections: <name>: rabbitmq', 'source: rabbitmq', 'sink: rabbitmq']);
    expect(sections['source: rabbitmq']).toContainEqual(expect.objectContaining({ name: 'queue', required: true }));
    expect(none.code).toBe(2);
  });
});

describe('copy', () => {
  test('moves what its filter lets pass, prints the books and leaves nothing behind', async () => {
    const cwd = folder();
    const { code, out, err } = await mqferry(
      ['copy', 'generate:?count=5&interval=0', 'print:', '--filter', 'body.sequence > 3', '--until-idle', '200ms'],
      { cwd },
    );
    expect(code, err).toBe(0);
    expect(out).toBe('{"sequence":4}\n{"sequence":5}\n');
    expect(err).toMatch(/route copy-[0-9a-f]{8} stopped: read 5, delivered 2, filtered 3/);
  });

  test('a wrong option is named with the right one', async () => {
    const { code, err } = await mqferry(['copy', 'generate:?coutn=5', 'print:']);
    expect(code).toBe(78);
    expect(err).toContain('unknown key "coutn" — did you mean "count"?');
  });
});
