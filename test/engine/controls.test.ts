import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { RouteRun } from '../../src/engine/route-run.ts';
import { type MakeRun, Scenario } from './sim/scenario.ts';
import { type Control, controls } from './sim/setups.ts';

/** The simulation is worth something only if wrong readings of the design fail in it: each control is the real engine with one edit. */
const mutants = join(import.meta.dirname, '..', '.mutants', String(process.pid));
afterAll(() => rmSync(mutants, { recursive: true, force: true }));

describe('a wrong reading of the design is caught', () => {
  for (const [name, control] of Object.entries(controls))
    test(name, { timeout: 300_000 }, async () => {
      const makeRun = await engineOf(name, control);
      let caughtAt = 0;
      for (let seed = 1; seed <= 1500 && caughtAt === 0; seed++) {
        const { problems } = await new Scenario(seed, control.setup, makeRun).play();
        if (problems.some((problem) => problem.startsWith(control.finds))) caughtAt = seed;
      }
      expect(caughtAt, 'no seed found it').toBeGreaterThan(0);
    });
});

async function engineOf(name: string, { edit }: Control): Promise<MakeRun> {
  if (!edit) return (plan, clock) => new RouteRun(plan, clock);
  const src = join(mutants, name.replace(/\W+/g, '-'), 'src');
  mkdirSync(src, { recursive: true });
  cpSync(join(import.meta.dirname, '..', '..', 'src'), src, { recursive: true });
  const file = join(src, 'engine', edit.file);
  const before = readFileSync(file, 'utf8');
  const after = before.replace(edit.from, edit.to);
  expect(after, 'the edit must still fit the source').not.toBe(before);
  writeFileSync(file, after);
  const mutant = (await import(join(src, 'engine', 'route-run.ts'))) as { RouteRun: typeof RouteRun };
  return (plan, clock) => new mutant.RouteRun(plan, clock);
}
