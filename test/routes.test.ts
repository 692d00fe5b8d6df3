import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileRoutes, registryOf } from '../src/index.ts';
import { findTestFiles } from '../src/rehearsal/find.ts';
import { textReport } from '../src/rehearsal/report.ts';
import { runTests } from '../src/rehearsal/run.ts';
import { startAedes } from './brokers/aedes.ts';
import { until } from './brokers/broker.ts';
import { folder, mqferry, root, start } from './cli/mqferry.ts';

const examples = join(root, 'routes');
const files = globSync('**/*.yaml', { cwd: examples })
  .filter((name) => !name.endsWith('.test.yaml'))
  .sort();

describe('the examples', () => {
  test.each(files)('%s is valid without any environment, and says when to use it', async (name) => {
    const { routes, problems } = await compileRoutes({ routes: { paths: [join(examples, name)] } });
    expect(problems).toEqual([]);
    expect(routes.length).toBeGreaterThan(0);
    expect(readFileSync(join(examples, name), 'utf8')).toContain('# When to use it: ');
  });

  test('can be run together, but for those of the cookbook: no two have a name in common', async () => {
    const { routes, problems } = await compileRoutes({ routes: { paths: [examples] } });
    expect(problems).toEqual([]);
    expect(routes.length).toBeGreaterThanOrEqual(readdirSync(examples).filter((name) => files.includes(name)).length);
  });

  test.each(files)('%s has tests beside it, and they hold', { timeout: 60_000 }, async (name) => {
    const { names, problems } = findTestFiles([join(examples, name)]);
    expect(problems).toEqual([]);
    const run = await runTests(names, { compile: registryOf().compile, env: {}, allowScripts: false });
    expect(run.problems).toEqual([]);
    const failed = run.report?.results.filter(({ failures }) => failures.length > 0);
    expect(failed, run.report && textReport(run.report)).toEqual([]);
    expect(run.report?.coverage.percent).toBeGreaterThan(80);
  });

  test('those of the cookbook are in its table', () => {
    const page = readFileSync(join(root, 'docs', 'cookbook.md'), 'utf8');
    const cookbook = files.filter((name) => name.startsWith('cookbook/'));
    expect(cookbook.length).toBeGreaterThanOrEqual(25);
    expect(cookbook.filter((name) => !page.includes(`](../routes/${name})`))).toEqual([]);
  });

  test('trial.yaml ends by itself, and prints what its steps make', async () => {
    const { code, out, err } = await run('trial.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 5, delivered 3, filtered 2');
    const bodies = lines(out).map((line) => JSON.parse(JSON.parse(line).body));
    expect(bodies[0]).toEqual({ sensor: 'sensor-3', kelvin: 303.15 });
  });

  test('switch.yaml sends each message one way', async () => {
    const { code, out, err } = await run('switch.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 20, delivered 14, dropped 6');
    expect(lines(out).filter((line) => line.includes('["size","large"]'))).toHaveLength(7);
    expect(lines(out)).toContain('order 7 is of middle size');
  });

  test('paced.yaml takes its time, loses nothing, and keeps the order', async () => {
    const { code, out, err } = await run('paced.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 12, delivered 12');
    expect(lines(out).map((line) => JSON.parse(line).invoice)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('enrich.yaml finds the customers that are in its file', async () => {
    const { code, out, err } = await run('enrich.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 4, delivered 4');
    expect(lines(out)).toEqual(['order 1: Ann (gold)', 'order 2: Bob (silver)', 'order 3: Cleo (gold)', 'order 4: nobody we know']);
  });

  test('recipients.yaml sends each message to the sinks that it names, and what names another to the dead letter', async () => {
    const { code, out, err } = await run('recipients.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 6, delivered 4, deadLettered 2');
    expect(lines(out).filter((line) => line.startsWith('sales'))).toHaveLength(4);
    expect(lines(out).filter((line) => line.startsWith('stock'))).toEqual(['stock: notice 1', 'stock: notice 4']);
    expect(lines(out).filter((line) => line.includes('allowed: sales, stock'))).toHaveLength(2);
  });

  test('wire-tap.yaml prints each order as it is at the tap, too, and says what it copied', async () => {
    const { code, out, err } = await run('wire-tap.yaml');
    expect(code, err).toBe(0);
    expect(err).toContain('read 5, delivered 5\n  tap print: copied 5, dropped 0');
    expect(lines(out).filter((line) => line.startsWith('order'))).toHaveLength(5);
    const copies = lines(out).filter((line) => line.startsWith('{'));
    expect(copies.map((line) => JSON.parse(JSON.parse(line).body))).toEqual([1, 2, 3, 4, 5].map((order) => ({ order })));
  });

  test('join.yaml moves the alarms of two routes through a third', async () => {
    const { code, out, err } = await run('join.yaml', '--until-idle', '500ms');
    expect(code, err).toBe(0);
    expect(err).toContain('route alarms stopped: read 11, delivered 11');
    expect(lines(out).filter((line) => line.includes('"press"'))).toHaveLength(5);
  });

  test('hand-over.yaml moves the orders of two routes through a third, by way of the disk', async () => {
    const data = folder();
    const { code, out, err } = await run('hand-over.yaml', '--until-idle', '500ms', '--data', data);
    expect(code, err).toBe(0);
    expect(err).toContain('route books stopped: read 12, delivered 9, filtered 3');
    expect(lines(out).filter((line) => line.includes('south'))).toHaveLength(6);
    expect(readdirSync(join(data, 'queues'))).toEqual(['plant-orders']);
  });

  test('clean-readings.yaml carries readings between MQTT brokers, through its buffer', async () => {
    const broker = await startAedes();
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const client = await connectAsync(url);
    onTestFinished(async () => {
      await client.endAsync(true);
      await broker.close();
    });
    const arrived: string[] = [];
    client.on('message', (topic, payload) => arrived.push(`${topic} ${payload}`));
    await client.subscribeAsync('north/#', { qos: 1 });

    const subscribed = new Promise((resolve) => broker.aedes.once('subscribe', resolve));
    const ferry = start(['run', join(examples, 'clean-readings.yaml'), '--no-admin', '--data', folder()], {
      env: { SITE_URL: url, CLOUD_URL: url },
    });
    await subscribed;
    for (const celsius of [20, 400, 21]) await client.publishAsync('sensors/hall', JSON.stringify({ celsius }), { qos: 1 });
    await until('two readings have arrived', async () => arrived.length === 2);
    ferry.child.kill('SIGTERM');
    const { code, err } = await ferry.ended;
    expect(code, err).toBe(0);
    expect(arrived).toEqual(['north/sensors/hall {"celsius":20,"site":"north"}', 'north/sensors/hall {"celsius":21,"site":"north"}']);
    expect(err).toContain('read 3, delivered 2, filtered 1');
  });
});

function run(name: string, ...options: string[]) {
  return mqferry(['run', join(examples, name), '--no-admin', '--log-level', 'warn', ...options]);
}

function lines(text: string): string[] {
  return text.trim().split('\n');
}
