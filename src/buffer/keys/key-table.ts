/**
 * A set of keys, outside of the heap: 17 bytes for each place, 20 to 40 for each key. Each key belongs to an epoch; what is forgotten is a whole epoch
 * at once.
 *
 * Extendible hashing over parts of one size: a part that is full is divided into two, by one more bit of its keys, and the directory says for
 * each value of the bits which part it is. So it grows by 100 KB at a time, and leaves nothing behind; tables that double took twice the memory.
 */
import type { Key } from './keys.ts';

/** All parts are full at about the same time, and the table has then doubled: so that ten million keys, and a sixteenth, come just before that. */
const places = 6656;
const full = places * 0.87;
/** A key's epoch is a byte: 0 is an empty place, the others are used in turn. */
const tags = 255;
/** A forgotten epoch is swept out of all parts within so many epochs, long before its tag is used again. */
const sweptWithin = 16;

export class KeyTable {
  #depth = 0;
  /** By the low bits of a key's first word. */
  #directory: Part[] = [];
  readonly #parts: Part[] = [];
  /** By tag: 1 for an epoch that is remembered. */
  readonly #alive = new Uint8Array(tags + 1);
  #nextSwept = 0;

  constructor() {
    const part = new Part(0);
    this.#directory.push(part);
    this.#parts.push(part);
  }

  /** Keys of this epoch can be added. Far fewer epochs are remembered at once than there are tags. */
  begin(epoch: number): void {
    this.#alive[tagOf(epoch)] = 1;
    const swept = Math.ceil(this.#parts.length / sweptWithin);
    for (let i = 0; i < swept; i++) (this.#parts[this.#nextSwept++ % this.#parts.length] as Part).sweep(this.#alive);
  }

  forget(epoch: number): void {
    this.#alive[tagOf(epoch)] = 0;
  }

  has(key: Key): boolean {
    return this.#partOf(wordAt(key, 0)).has(key, this.#alive);
  }

  /** False when it was there. */
  add(key: Key, epoch: number): boolean {
    const first = wordAt(key, 0);
    if (this.#partOf(first).has(key, this.#alive)) return false;
    while (this.#partOf(first).used >= full) this.#makeRoom(this.#partOf(first));
    this.#partOf(first).insert(first, wordAt(key, 4), wordAt(key, 8), wordAt(key, 12), tagOf(epoch));
    return true;
  }

  #partOf(firstWord: number): Part {
    return this.#directory[firstWord & (this.#directory.length - 1)] as Part;
  }

  #makeRoom(part: Part): void {
    part.sweep(this.#alive);
    if (part.used < full * 0.97) return; // room for so many that looking for what is forgotten costs each of them little
    if (part.depth === this.#depth) {
      this.#directory = this.#directory.concat(this.#directory);
      this.#depth++;
    }
    const bit = 1 << part.depth;
    const other = part.divide();
    this.#parts.push(other);
    for (let i = 0; i < this.#directory.length; i++) if (this.#directory[i] === part && (i & bit) !== 0) this.#directory[i] = other;
  }
}

/** Open addressing in places of which each has four words and a tag. */
class Part {
  /** So many low bits of the first word are the same in all its keys. */
  depth: number;
  /** Places that are not empty. */
  used = 0;
  readonly #words = new Int32Array(places * 4);
  readonly #tags = new Uint8Array(places);

  constructor(depth: number) {
    this.depth = depth;
  }

  has(key: Key, alive: Uint8Array): boolean {
    const [words, tags] = [this.#words, this.#tags];
    const second = wordAt(key, 4);
    for (let at = (second >>> 0) % places; tags[at] !== 0; at = at + 1 === places ? 0 : at + 1) {
      const word = at * 4;
      if (words[word + 1] !== second || alive[tags[at] as number] === 0) continue;
      if (words[word] === wordAt(key, 0) && words[word + 2] === wordAt(key, 8) && words[word + 3] === wordAt(key, 12)) return true;
    }
    return false;
  }

  /** There must be an empty place. */
  insert(a: number, b: number, c: number, d: number, tag: number): void {
    const [words, tags] = [this.#words, this.#tags];
    let at = (b >>> 0) % places;
    while (tags[at] !== 0) at = at + 1 === places ? 0 : at + 1;
    tags[at] = tag;
    words[at * 4] = a;
    words[at * 4 + 1] = b;
    words[at * 4 + 2] = c;
    words[at * 4 + 3] = d;
    this.used++;
  }

  /** Empties the places of what is forgotten. */
  sweep(alive: Uint8Array): void {
    if (!this.#tags.some((tag) => tag !== 0 && alive[tag] === 0)) return;
    this.#enterAgain((_, tag) => (alive[tag] === 0 ? undefined : this));
  }

  /** Gives about half of it to a new one: the keys that have the next bit. */
  divide(): Part {
    const bit = 1 << this.depth;
    const other = new Part(++this.depth);
    this.#enterAgain((first) => ((first & bit) === 0 ? this : other));
    return other;
  }

  /** Takes all out, and puts each where it belongs. */
  #enterAgain(partOf: (firstWord: number, tag: number) => Part | undefined): void {
    scratchWords.set(this.#words);
    scratchTags.set(this.#tags);
    this.#tags.fill(0);
    this.used = 0;
    for (let at = 0; at < places; at++) {
      const tag = scratchTags[at] as number;
      if (tag === 0) continue;
      const [a, b, c, d] = [scratchWords[at * 4], scratchWords[at * 4 + 1], scratchWords[at * 4 + 2], scratchWords[at * 4 + 3]];
      partOf(a as number, tag)?.insert(a as number, b as number, c as number, d as number, tag);
    }
  }
}

const scratchWords = new Int32Array(places * 4);
const scratchTags = new Uint8Array(places);

function tagOf(epoch: number): number {
  return (epoch % tags) + 1;
}

function wordAt(key: Key, at: number): number {
  return key.charCodeAt(at) | (key.charCodeAt(at + 1) << 8) | (key.charCodeAt(at + 2) << 16) | (key.charCodeAt(at + 3) << 24);
}
