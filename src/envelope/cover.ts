import { isUtf8 } from 'node:buffer';
import type { Header, Headers, HeaderValue } from '../message.ts';
import { toText } from './text.ts';

/** The headers of one message being put together, with the types that they lose. */
export class Cover {
  readonly headers: Header[] = [];
  readonly #kind: 'text' | 'bytes' | 'typed';
  readonly #types: string[] = [];
  /** Bytes are what a bytes target gives back; with this, they are text unless they say otherwise. */
  readonly #textIsPlain: boolean;

  constructor(kind: 'text' | 'bytes' | 'typed', headers: Headers) {
    this.#kind = kind;
    this.#textIsPlain = kind === 'bytes' && headers.some(([, value]) => typeof value === 'string');
    if (this.#textIsPlain) this.#types.push('*=s');
  }

  /** One that comes more than once, where the target holds a name once. */
  addRepeated(name: string, values: readonly HeaderValue[]): void {
    this.#push(name, this.#kind === 'typed' ? values : toText(values)[0], 'multi');
  }

  addHeader(name: string, value: HeaderValue): void {
    if (this.#kind === 'typed') this.#push(name, value, undefined);
    else if (this.#kind === 'bytes' && (value === null || Buffer.isBuffer(value))) this.#push(name, value, this.#codeOfBytes(value));
    else this.#pushText(name, value);
  }

  /** The name says the type; only bytes that must become text are marked. */
  addProperty(name: string, value: string | Buffer | number | boolean | undefined): void {
    if (this.#kind === 'typed') this.#push(name, value as HeaderValue, undefined);
    else if (Buffer.isBuffer(value) && this.#kind === 'bytes') this.#push(name, value, isUtf8(value) ? 'b' : undefined);
    else this.#pushText(name, typeof value === 'string' || Buffer.isBuffer(value) ? value : String(value));
  }

  /** After the last one: writes down the types. */
  finish(): void {
    if (this.#types.length > 0) this.headers.push(['mqf-types', this.#types.join(';')]);
  }

  #codeOfBytes(value: Buffer | null): string | undefined {
    return this.#textIsPlain && value !== null && isUtf8(value) ? 'b' : undefined;
  }

  #pushText(name: string, value: HeaderValue): void {
    const [text, code] = toText(value);
    this.#push(name, text, code === 's' ? undefined : code);
  }

  #push(name: string, value: HeaderValue, code: string | undefined): void {
    if (code !== undefined) {
      const before = this.headers.filter(([other]) => other === name).length;
      this.#types.push(`${escapeName(name)}${before === 0 ? '' : `#${before}`}=${code}`);
    }
    this.headers.push([name, value]);
  }
}

/** A name as it stands in `mqf-types`. */
function escapeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replaceAll('*', '%2A');
}
