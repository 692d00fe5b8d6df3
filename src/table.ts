import type { Table } from './connector.ts';

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

/** A table in memory: it is empty when the process starts. */
class MemoryTable implements Table {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): unknown {
    return this.#entries.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  weigh(key: string): number {
    return this.#entries.get(key)?.bytes ?? 0;
  }

  set(key: string, value: unknown, bytes: number): void {
    this.#bytes += bytes - this.weigh(key);
    this.#entries.set(key, { value, bytes });
  }

  delete(key: string): void {
    this.#bytes -= this.weigh(key);
    this.#entries.delete(key);
  }
}

/** The tables of a process by name, each made when it is first asked for: all routes see the same one. */
export class Tables {
  readonly #tables = new Map<string, Table>();

  table(name: string): Table {
    let table = this.#tables.get(name);
    if (!table) this.#tables.set(name, (table = new MemoryTable()));
    return table;
  }
}
