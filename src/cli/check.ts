import type { Command } from 'commander';
import type { EndModel } from '../config/model.ts';
import type { EndContext, Finding } from '../connector.ts';
import { describeError } from '../errors.ts';
import type { CompiledRoute } from '../index.ts';
import { durationOf } from './arguments.ts';
import { Leave } from './exit-codes.ts';
import { allowScripts, type LoadOptions, loadRoutes } from './load.ts';
import { say } from './say.ts';
import { table } from './table.ts';

interface Endpoint {
  readonly route: string;
  readonly role: 'source' | 'sink' | 'deadLetter' | 'tap';
  readonly model: EndModel;
}

interface Row extends Finding {
  readonly endpoint: Endpoint;
}

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('Ask the brokers, changing nothing: reachable, login, permission, queue or topic there. A row per finding.')
    .argument('[paths...]', 'files, folders or globs (default: routes)')
    .option('--timeout <time>', 'for each endpoint', durationOf, 15_000)
    .option(...allowScripts)
    .addHelpText('after', '\nExample:\n  mqferry check routes/ --timeout 5s')
    .action(async (paths: string[], { timeout, ...options }: { timeout: number } & LoadOptions) => {
      const endpoints = (await loadRoutes(paths, options)).flatMap(endpointsOf);
      const rows = (await Promise.all(endpoints.map((endpoint) => examine(endpoint, timeout)))).flat();
      const lines = rows.map(({ endpoint, ok, what, text }) => [
        ok ? 'ok' : 'WRONG',
        endpoint.route,
        endpoint.role,
        nameOf(endpoint.model),
        what,
        text,
      ]);
      await say(`${table([['', 'route', 'end', 'connector', 'looked at', 'found'], ...lines])}\n`);
      const wrong = rows.filter((row) => !row.ok).length;
      if (wrong > 0) throw new Leave('checkFailed', `${wrong} of ${rows.length} are wrong`);
    });
}

function endpointsOf({ name, source, sinks, deadLetters, taps }: CompiledRoute): Endpoint[] {
  const ends: Endpoint[] = [{ route: name, role: 'source', model: source.model }];
  for (const sink of sinks) ends.push({ route: name, role: 'sink', model: sink.model });
  for (const { model } of deadLetters) ends.push({ route: name, role: 'deadLetter', model });
  for (const { model } of taps) ends.push({ route: name, role: 'tap', model });
  return ends;
}

async function examine(endpoint: Endpoint, timeoutMs: number): Promise<Row[]> {
  const { connector, config } = endpoint.model;
  const kind = endpoint.role === 'source' ? connector.source : connector.sink;
  const nothing: Finding = { what: 'nothing', ok: true, text: 'this connector connects to nothing' };
  if (!kind?.check) return [{ endpoint, ...nothing }];
  const stop = AbortSignal.timeout(timeoutMs);
  const tooLong = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => reject(new Error(`no answer within ${timeoutMs} ms`)));
  });
  try {
    const findings = await Promise.race([kind.check(config as Parameters<typeof kind.check>[0], contextOf(endpoint, stop)), tooLong]);
    return findings.map((finding) => ({ endpoint, ...finding }));
  } catch (error) {
    return [{ endpoint, what: 'connection', ok: false, text: describeError(error) }];
  }
}

/** A client id of its own, so that the session of a running route is left alone. */
function contextOf({ route, role }: Endpoint, signal: AbortSignal): EndContext {
  const log = { error() {}, warn() {}, info() {}, debug() {} };
  return { route, window: { messages: 1, bytes: 1 }, log, clientId: `mqf-check-${process.pid}-${role.slice(0, 2)}`, signal };
}

function nameOf({ connector, connectionName }: EndModel): string {
  return connectionName === undefined ? connector.name : `${connector.name} ${connectionName}`;
}
