/** Messages that end the process, and processes that are killed for nothing. The broker is in this process, and so is the ledger. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AedesBroker, startAedes } from '../brokers/aedes.ts';
import { freePorts, until } from '../brokers/broker.ts';
import { folder, mqferry, type Started, start } from '../cli/mqferry.ts';

/** How a script ends the process that runs it. */
const ends = {
  exit: 'process.exit(1);',
  kill: "process.kill(process.pid, 'SIGKILL'); while (true);",
  memory: 'const all = []; while (true) all.push(new Array(1e6).fill(1));',
};

const poison = 13;

/** What has arrived under `out/`, and under `dead/`. */
class Ledger {
  readonly arrived: number[] = [];
  readonly dead: number[] = [];

  constructor({ aedes }: AedesBroker) {
    aedes.on('publish', ({ topic, payload }, client) => {
      if (client === null) return;
      const { n } = JSON.parse(String(payload)) as { n: number };
      if (topic.startsWith('out/')) this.arrived.push(n);
      if (topic.startsWith('dead/')) this.dead.push(n);
    });
  }

  missing(count: number): number[] {
    const all = new Set(this.arrived);
    return Array.from({ length: count }, (_, i) => i + 1).filter((n) => !all.has(n) && !this.dead.includes(n));
  }
}

async function setUp() {
  const broker = await startAedes();
  onTestFinished(() => broker.close());
  const dir = folder();
  const [port] = (await freePorts(1)) as [number];
  const args = ['run', 'route.yaml', '--allow-scripts', '--data', 'data', '--admin', `127.0.0.1:${port}`];
  return {
    dir,
    ledger: new Ledger(broker),
    link: `{ url: 'mqtt://127.0.0.1:${broker.port}', version: 3.1.1 }`,
    /** Publishes this message as a device would. */
    publish: (n: number) => {
      const packet = {
        cmd: 'publish',
        topic: 'in/a',
        qos: 1,
        retain: false,
        dup: false,
        payload: Buffer.from(JSON.stringify({ n })),
      } as const;
      return new Promise<void>((resolve, reject) => broker.aedes.publish(packet, (error) => (error ? reject(error) : resolve())));
    },
    subscribed: () => new Promise<void>((resolve) => broker.aedes.once('subscribe', () => resolve())),
    write: (name: string, text: string) => writeFileSync(join(dir, name), text),
    run: () => start(args, { cwd: dir, env: { NODE_OPTIONS: '--max-old-space-size=100' } }),
    ask: async (path: string) => await (await fetch(`http://127.0.0.1:${port}${path}`)).json(),
  };
}

type Place = Awaited<ReturnType<typeof setUp>>;

function script(end: keyof typeof ends): string {
  return `export default (message) => { if (message.json().n === ${poison}) { ${ends[end]} } };\n`;
}

const deadLetter = (link: string) => `onError: { deadLetter: { mqtt: { connection: ${link}, topic: dead/a, onUnmappable: drop } } }`;
const sink = (link: string) => `sink: { mqtt: { connection: ${link}, topic: out/a, onUnmappable: drop } }`;

/** Starts it each time that it has ended, as a service manager does, until it does not end any more. */
async function nurse(place: Place, isDone: () => boolean): Promise<{ lives: number; last: Started }> {
  for (let lives = 1; lives < 12; lives++) {
    const one = place.run();
    let hasEnded = false;
    void one.ended.then(() => {
      hasEnded = true;
    });
    await until('it has ended or is done', () => hasEnded || isDone(), 60_000);
    if (!hasEnded) return { lives, last: one };
  }
  throw new Error('it ends again and again');
}

const count = 40;

describe('a message that ends the process', () => {
  test.each([
    ['exit', 'in the only pump', '', 'steps: [js: ./poison.mjs]'],
    ['memory', 'in front of a disk buffer', 'buffer: disk', 'steps: [js: ./poison.mjs]'],
    ['kill', 'behind a disk buffer', 'buffer: disk', 'steps: [split: { list: "[body]" }, js: ./poison.mjs]'],
  ] as const)(
    '(%s) %s is in the dead letter after four times, and all others have arrived',
    { timeout: 180_000 },
    async (end, _where, buffer, steps) => {
      const place = await setUp();
      const { ledger, link } = place;
      place.write('poison.mjs', script(end));
      place.write(
        'route.yaml',
        `routes:
  r:
    source: { mqtt: { connection: ${link}, topics: ['in/#'] } }
    ${steps}
    ${buffer}
    ${sink(link)}
    ${deadLetter(link)}
`,
      );
      const subscribed = place.subscribed();
      const nursing = nurse(place, () => ledger.missing(count).length === 0);
      await subscribed;
      for (let n = 1; n <= count; n++) await place.publish(n);
      const { lives, last } = await nursing;
      expect(lives).toBe(5);
      expect([...new Set(ledger.dead)]).toEqual([poison]);
      expect(ledger.arrived).not.toContain(poison);
      expect(await place.ask('/routes/r')).toMatchObject({ state: 'running', quarantine: { isCareful: true, refused: 1 } });
      last.child.kill('SIGTERM');
      const { code, err } = await last.ended;
      expect([code, err]).toEqual([0, expect.stringContaining('deadLettered 1')]);
      expect(err).not.toContain('BALANCE');
      expect(err).toContain('seems to end the process');
      const record = JSON.parse(readFileSync(join(place.dir, 'data/lives/r.json'), 'utf8'));
      expect(record, 'nothing is left of it').toMatchObject({ isRunning: false });
      expect(JSON.stringify(record)).not.toMatch(/"suspects":\{"/);
    },
  );

  test('behind a queue on disk does no harm to the route that fills the queue', { timeout: 180_000 }, async () => {
    const place = await setUp();
    const { ledger, link } = place;
    place.write('poison.mjs', script('exit'));
    place.write(
      'route.yaml',
      `routes:
  fill:
    source: { mqtt: { connection: ${link}, topics: ['in/#'] } }
    sink: { local: { queue: q, store: disk } }
    ${deadLetter(link)}
  empty:
    source: { local: { queue: q, store: disk } }
    steps: [js: ./poison.mjs]
    ${sink(link)}
    ${deadLetter(link)}
`,
    );
    const subscribed = place.subscribed();
    const nursing = nurse(place, () => ledger.missing(count).length === 0);
    await subscribed;
    for (let n = 1; n <= count; n++) await place.publish(n);
    expect((await nursing).lives).toBe(5);
    expect([...new Set(ledger.dead)]).toEqual([poison]);
    expect(await place.ask('/routes')).toMatchObject({
      routes: [
        { name: 'fill', quarantine: { refused: 0 } },
        { name: 'empty', quarantine: { refused: 1 } },
      ],
    });
  });

  test('made by a source that begins anew each time is found as well; without a dead letter the route stops and says what to do', {
    timeout: 120_000,
  }, async () => {
    const place = await setUp();
    place.write('poison.mjs', script('exit'));
    place.write(
      'route.yaml',
      `routes: { r: { source: { generate: { interval: 0, count: ${count}, body: '{"n":\${{ origin.sequence }}}' } }, steps: [js: ./poison.mjs], ${sink(place.link)} } }\n`,
    );
    const outputs: string[] = [];
    for (let life = 1; life <= 5; life++) outputs.push((await place.run().ended).err);
    expect(outputs.slice(0, 4).join('')).not.toContain('QUARANTINED');
    expect(outputs[4]).toMatch(/message without id \(sequence 13\) failed \(QUARANTINED: .*\) and onError has no dead letter for it/);
    expect((await place.run().ended).err, 'the next life does not forget it').toContain('QUARANTINED');
  });

  test('ends it for ever when the config says so', { timeout: 120_000 }, async () => {
    const place = await setUp();
    place.write('poison.mjs', script('exit'));
    place.write(
      'route.yaml',
      `routes: { r: { quarantine: { after: 0 }, source: { generate: { interval: 0, count: ${count}, body: '{"n":\${{ origin.sequence }}}' } }, steps: [js: ./poison.mjs], ${sink(place.link)}, ${deadLetter(place.link)} } }\n`,
    );
    for (let life = 1; life <= 6; life++) expect((await place.run().ended).code).toBe(1);
    expect(place.ledger.dead).toEqual([]);
    expect(existsSync(join(place.dir, 'data/lives'))).toBe(false);
  });
});

test('a process that is killed at any time, for nothing, loses nothing and puts nothing into quarantine', {
  timeout: 180_000,
}, async () => {
  const place = await setUp();
  const { ledger, link } = place;
  place.write('poison.mjs', 'export default () => undefined;\n');
  place.write(
    'route.yaml',
    `routes:
  r:
    source: { mqtt: { connection: ${link}, topics: ['in/#'] } }
    steps: [js: ./poison.mjs]
    buffer: disk
    ${sink(link)}
    ${deadLetter(link)}
`,
  );
  let n = 0;
  let kills = 0;
  const subscribed = place.subscribed();
  let life = place.run();
  await subscribed;
  const sending = setInterval(() => void place.publish(++n), 20);
  onTestFinished(() => clearInterval(sending));
  while (kills < 14) {
    await sleep(300 + ((kills * 7919) % 3000));
    life.child.kill('SIGKILL');
    await life.ended;
    kills++;
    life = place.run();
  }
  clearInterval(sending);
  await until('all have arrived', () => ledger.missing(n).length === 0, 60_000);
  expect(ledger.dead).toEqual([]);
  life.child.kill('SIGTERM');
  expect((await life.ended).code).toBe(0);
});

describe('the place where lives are noted', () => {
  const text = (name: string, count: string) => `routes: { ${name}: { source: { generate: { interval: 0, ${count} } }, sink: print } }\n`;

  test('is made by run; not for what ends by itself, unless it is there', { timeout: 60_000 }, async () => {
    const dir = folder();
    writeFileSync(join(dir, 'a.yaml'), text('a', 'count: 2'));
    const ends = await mqferry(['run', 'a.yaml', '--no-admin', '--until-idle', '1s'], { cwd: dir });
    expect([ends.code, existsSync(join(dir, 'mqferry-data'))]).toEqual([0, false]);
    expect((await mqferry(['copy', 'generate:?count=2&interval=0', 'print:'], { cwd: dir })).code).toBe(0);
    expect(existsSync(join(dir, 'mqferry-data'))).toBe(false);
    expect((await mqferry(['run', 'a.yaml', '--no-admin'], { cwd: dir })).code).toBe(0);
    expect(readdirSync(join(dir, 'mqferry-data'))).toEqual(['lives']);
    mkdirSync(join(dir, 'there'));
    await mqferry(['run', 'a.yaml', '--no-admin', '--until-idle', '1s', '--data', 'there'], { cwd: dir });
    expect(existsSync(join(dir, 'there/lives/a.json'))).toBe(true);
  });

  test('may not be there to be had: the route runs, with one warning', { timeout: 60_000 }, async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'a.yaml'),
      text('a', 'count: 2').replace(' }\n', `, b: { source: { generate: { interval: 0, count: 1 } }, sink: print } }\n`),
    );
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data/lives'), 'a file, so that nobody can make the directory');
    const { code, out, err } = await mqferry(['run', 'a.yaml', '--no-admin', '--data', 'data'], { cwd: dir });
    expect(code).toBe(0);
    expect(out.match(/sequence/g)).toHaveLength(3);
    expect(err.match(/a message that ends the process will not be found out/g)).toHaveLength(1);
  });

  test('is not in the way of a second process that works in the same directory', { timeout: 60_000 }, async () => {
    const dir = folder();
    writeFileSync(join(dir, 'a.yaml'), text('a', 'count: 1000000').replace('interval: 0', 'interval: 1s'));
    writeFileSync(join(dir, 'b.yaml'), text('b', 'count: 2').replace('sink:', 'buffer: disk, sink:'));
    const first = start(['run', 'a.yaml', '--no-admin'], { cwd: dir });
    await until('the first one runs', () => existsSync(join(dir, 'mqferry-data/lives/a.json')));
    const { code, out, err } = await mqferry(['run', 'b.yaml', '--no-admin'], { cwd: dir });
    expect(code).toBe(0);
    expect(out.match(/sequence/g)).toHaveLength(2);
    expect(err).toContain('in use by another mqferry');
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
  });
});
