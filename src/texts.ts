/** Short texts that come again and again, such as the names of headers: the same string each time, found without making it. */
export class TextCache {
  /** By hash; the later one has the slot. */
  readonly #known: Known[] = new Array<Known>(256).fill({ bytes: Buffer.alloc(0), text: '' });

  /** The UTF-8 text from `start` to `end`. */
  text(buffer: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return '';
    if (length > 64) return buffer.toString('utf8', start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (hash * 31 + (buffer[i] as number)) | 0;
    const slot = hash & 255;
    const known = this.#known[slot] as Known;
    if (known.bytes.length === length && known.bytes.compare(buffer, start, end) === 0) return known.text;
    const bytes = Buffer.from(buffer.subarray(start, end));
    const text = bytes.toString();
    this.#known[slot] = { bytes, text };
    return text;
  }
}

interface Known {
  readonly bytes: Buffer;
  readonly text: string;
}

/** Writes a text as UTF-8, for which there must be room; returns how many bytes it took. */
export function writeUtf8(buffer: Buffer, at: number, text: string): number {
  const { length } = text;
  // Most are names and short values: a loop takes a fifth of the time of Buffer.write.
  if (length >= 64) return buffer.write(text, at);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return buffer.write(text, at);
    buffer[at + i] = code;
  }
  return length;
}
