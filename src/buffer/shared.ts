import type { MqferryError } from '../errors.ts';

/** What several routes have open together, as long as the process lives. */
interface Store {
  /** An error of the disk has been told to all who were there. */
  readonly failed: MqferryError | undefined;
  close(): Promise<void>;
}

/** Whoever needs it first opens it; who comes after it has failed opens it anew, through recovery. */
export class Shared<T extends Store> {
  #opened: Promise<T> | undefined;
  #hasFailed = () => false;

  async get(open: () => Promise<T>): Promise<T> {
    if (!this.#opened || this.#hasFailed()) this.#opened = this.#anew(this.#opened, open);
    return this.#opened;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await (await opened?.catch(() => undefined))?.close();
  }

  #anew(before: Promise<T> | undefined, open: () => Promise<T>): Promise<T> {
    this.#hasFailed = () => false;
    const opened = (async () => {
      await (await before?.catch(() => undefined))?.close();
      return open();
    })();
    opened.then(
      (store) => (this.#hasFailed = () => store.failed !== undefined),
      () => (this.#hasFailed = () => true), // whoever asked is told
    );
    return opened;
  }
}
