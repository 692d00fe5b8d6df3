import type { Command } from 'commander';
import { durationOf } from './arguments.ts';

const killForMs = 20_000;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('The main job, embedded: an MQTT broker with simulated sensors, filter and map, a durable buffer, and what arrives.')
    .option('--kill', 'kill the router (SIGKILL) every few seconds, and count at the end: sent, arrived, lost, duplicated')
    .option('--for <time>', 'end after so long (default: until a signal; 20s with --kill)', durationOf)
    .addHelpText('after', '\nExamples:\n  mqferry demo\n  mqferry demo --kill --for 1m')
    .action(async (options: { kill?: true; for?: number }) => {
      if (options.kill) await (await import('./demo/kill.ts')).kill(options.for ?? killForMs);
      else await (await import('./demo/live.ts')).live(options.for);
    });
}
