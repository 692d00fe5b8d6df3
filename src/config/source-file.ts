import type { Place } from './model.ts';

/** The text of one config file, with what must not be shown of it. */
export class SourceFile {
  readonly name: string;
  readonly text: string;
  /** Ranges that hold, or could hold, a secret. */
  readonly masks: (readonly [start: number, end: number])[] = [];
  /** All of it has become a tree, in which what sounds secret is masked. */
  isParsed = false;
  readonly #lineStarts: number[] = [0];

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) this.#lineStarts.push(i + 1);
  }

  get lines(): number {
    return this.#lineStarts.length;
  }

  place(offset: number): Place {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#lineStarts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { file: this.name, line: low + 1, col: offset - this.#lineStarts[low]! + 1 };
  }

  /** Where line `line` (from 1) starts, and where it ends without its line break. */
  range(line: number): readonly [start: number, end: number] {
    const start = this.#lineStarts[line - 1] ?? this.text.length;
    const next = this.#lineStarts[line];
    let end = next === undefined ? this.text.length : next - 1;
    if (end > start && this.text[end - 1] === '\r') end -= 1;
    return [start, end];
  }

  /** Never show this range, nor a comment behind it: a secret may have been cut there by ` #`. Without an end: the rest of the line. */
  mask(start: number, end?: number): void {
    const lineEnd = this.range(this.place(end ?? start).line)[1];
    const isCut = end === undefined || /^["']?[ \t]+#/.test(this.text.slice(end, lineEnd));
    this.masks.push([start, isCut ? lineEnd : end]);
  }
}
