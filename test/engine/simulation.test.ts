import { describe, expect, test } from 'vitest';
import { RouteRun } from '../../src/engine/route-run.ts';
import { Scenario } from './sim/scenario.ts';
import { sound } from './sim/setups.ts';

/** SEEDS=2000 FROM=1 as CI has it; one failing seed alone: SEEDS=1 FROM=<seed>. */
const seeds = Number(process.env['SEEDS'] ?? 100);
const from = Number(process.env['FROM'] ?? 1);
const play = (seed: number, setup: (typeof sound)[string]) => new Scenario(seed, setup, (plan, clock) => new RouteRun(plan, clock)).play();

describe('the engine keeps its promise through cuts, refusals, late bytes, crashes and outages', () => {
  for (const [name, setup] of Object.entries(sound))
    test(name, { timeout: 600_000 }, async () => {
      for (let seed = from; seed < from + seeds; seed++) expect((await play(seed, setup)).problems, `seed ${seed}`).toEqual([]);
    });
});

/** Found beyond those of the test runs. */
const failedOnce: readonly (readonly [setup: string, seed: number])[] = [['a step that waits behind the buffer, order lane', 1_000_602]];

test.each(failedOnce)('%s: seed %i, which has failed once', async (name, seed) => {
  expect((await play(seed, sound[name] as (typeof sound)[string])).problems).toEqual([]);
});

test('a seed gives the same run twice', async () => {
  for (const setup of Object.values(sound)) expect(await play(7, setup)).toEqual(await play(7, setup));
});
