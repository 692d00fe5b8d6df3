import type { EndOf, Misfit } from '../../src/connector.ts';
import type { ConnectionConfig } from './config.ts';
import { addressOf } from './listener.ts';

type End = EndOf<{ readonly connection: ConnectionConfig; readonly path: string }>;

/** Ends that share a port must say the same of it, and no two of a kind serve one path. */
export function misfits(ends: readonly End[]): Misfit[] {
  const found: Misfit[] = [];
  for (const [address, sharing] of Map.groupBy(ends, ({ config }) => addressOf(config.connection))) {
    const [first, ...rest] = sharing as [End, ...End[]];
    for (const end of rest) {
      if (!isSame(end.config.connection, first.config.connection))
        found.push({ end, other: first, message: `${address} has another token or other tls here than there: one port has one of each` });
      const twin = sharing.find((other) => other.side === end.side && other.config.path === end.config.path);
      if (twin && twin !== end)
        found.push({
          end,
          other: twin,
          message: `${end.config.path} on ${address} is served by another ${end.side}, too: give one of them another path`,
        });
    }
  }
  return found;
}

function isSame(a: ConnectionConfig, b: ConnectionConfig): boolean {
  return a.token === b.token && a.tls?.cert === b.tls?.cert && a.tls?.key === b.tls?.key;
}
