import type { Life, LifeRecord } from '../../../src/buffer/lives.ts';
import type { Process, Random } from './world.ts';

/** What the route has on disk about its lives. A kill in the middle of a save leaves the old or the new. */
export class LifeModel {
  saves = 0;
  #record: string | undefined;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  async open(process: Process): Promise<Life> {
    await process.sleep(this.#random.int(0, 2));
    const last = this.#record === undefined ? undefined : (JSON.parse(this.#record) as LifeRecord);
    return { last, save: (record) => this.#save(JSON.stringify(record), process) };
  }

  async #save(record: string, process: Process): Promise<void> {
    await process.sleep(this.#random.int(0, 3));
    this.#record = record;
    this.saves++;
    await process.sleep(this.#random.int(0, 3));
  }
}
