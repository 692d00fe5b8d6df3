import { isUtf8 } from 'node:buffer';
import { type Header, type Headers, type HeaderValue, Typed } from '../message.ts';
import { headerMark, toText } from './text.ts';

/** The headers of one message being put together, with the types that they lose. */
export class Cover {
  readonly headers: Header[] = [];
  readonly #kind: 'text' | 'bytes' | 'typed';
  readonly #types: string[] = [];
  /** Bytes are what a bytes target gives back; with this, they are text unless they say otherwise. */
  readonly #textIsPlain: boolean;
  /** The target takes this value as it is. */
  readonly #fits: (value: HeaderValue) => boolean;

  constructor(kind: 'text' | 'bytes' | 'typed', headers: Headers, fits: (value: HeaderValue) => boolean) {
    this.#kind = kind;
    this.#fits = fits;
    this.#textIsPlain = kind === 'bytes' && headers.some(([, value]) => typeof value === 'string');
    if (this.#textIsPlain) this.#types.push('*=s');
  }

  /** One that comes more than once, where the target holds a name once; `places` among all headers, where others stand in between. */
  addRepeated(name: string, values: readonly HeaderValue[], places: readonly number[] | undefined): void {
    this.#push(
      name,
      this.#kind === 'typed' && this.#fits(values) ? values : toText(values)[0],
      places === undefined ? 'multi' : `multi@${places}`,
    );
  }

  addHeader(name: string, value: HeaderValue): void {
    if (this.#kind !== 'bytes' && this.#fits(value)) this.#push(name, value, undefined);
    else if (this.#kind === 'typed' && value instanceof Typed && this.#fits(value.value)) this.#push(name, value.value, toText(value)[1]);
    else if (this.#takesBytes(value)) this.#push(name, value, this.#codeOfBytes(value));
    else this.#pushText(name, value);
  }

  /** Bytes that are text, where the target tells the two apart. */
  addText(name: string, value: Buffer): void {
    if (this.#kind === 'typed') this.#push(name, value.toString(), 'b');
    else this.addHeader(name, value);
  }

  /** One that would be taken for a property when it comes back. */
  addMistakable(name: string, value: HeaderValue): void {
    const [text, code] = toText(value);
    if (this.#takesBytes(value)) this.#push(name, value, headerMark);
    else this.#push(name, text, `${headerMark}.${code}`);
  }

  /** The name says the type; only bytes that must become text are marked. */
  addProperty(name: string, value: string | Buffer | number | boolean | undefined): void {
    if (this.#kind !== 'bytes' && this.#fits(value as HeaderValue)) this.#push(name, value as HeaderValue, undefined);
    else if (Buffer.isBuffer(value) && this.#kind === 'bytes') this.#push(name, value, isUtf8(value) ? 'b' : undefined);
    else this.#pushText(name, typeof value === 'string' || Buffer.isBuffer(value) ? value : String(value));
  }

  /** After the last one: writes down the types. */
  finish(): void {
    if (this.#types.length > 0) this.headers.push(['mqf-types', this.#types.join(';')]);
  }

  #takesBytes(value: HeaderValue): value is Buffer | null {
    return this.#kind === 'bytes' && (value === null || Buffer.isBuffer(value)) && this.#fits(value);
  }

  #codeOfBytes(value: Buffer | null): string | undefined {
    return this.#textIsPlain && value !== null && isUtf8(value) ? 'b' : undefined;
  }

  #pushText(name: string, value: HeaderValue): void {
    // Any text is bytes; only text protocols have characters that they forbid.
    const isText = this.#kind === 'bytes' && typeof value === 'string' && value.isWellFormed();
    const [text, code] = isText ? [value, 's'] : toText(value);
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
