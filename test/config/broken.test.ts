import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { registryOf } from '../../src/index.ts';
import { canary, type Page, parsePage, renderPage, runCase } from './broken.ts';

const folder = join(import.meta.dirname, 'broken');
const pages = readdirSync(folder).filter((name) => name !== 'README.md');
const parsed = new Map(pages.map((name): [string, Page] => [name, parsePage(readFileSync(join(folder, name), 'utf8'))]));

// Loading a connector is not what is measured.
beforeAll(async () => {
  for (const load of Object.values(registryOf().connectors)) await load();
});

describe.each(pages)('%s', (name) => {
  const { cases } = parsed.get(name)!;
  const outputs: string[] = [];

  test.each(cases.map((one) => [one.title, one] as const))('%s', async (_title, one) => {
    const { code, text, cpuMs } = await runCase(one);
    // What takes long the first time, on a machine that has other work, may do so no more.
    const again = cpuMs < 1000 ? cpuMs : (await runCase(one)).cpuMs;
    outputs[cases.indexOf(one)] = text;
    expect.soft(code).toBe(78);
    expect.soft(text).not.toContain(canary.slice(0, 6));
    expect.soft(text, 'no insides').not.toMatch(/undefined|NaN|\[object|TypeError|node_modules|\.[jt]s:\d|^\s+at /m);
    expect.soft(text, 'no terminal escapes').not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
    expect.soft(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(500);
    expect.soft(Math.min(cpuMs, again)).toBeLessThan(1000);
  });

  test('what is said is what stands there', async () => {
    await expect(renderPage(parsed.get(name)!, outputs)).toMatchFileSnapshot(join(folder, name));
  });
});
